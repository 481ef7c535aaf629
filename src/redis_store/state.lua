-- What both scripts share. A key's state is one string: kind, end, and two numbers that the kind explains.
--   1 fixed window    used, 0
--   2 sliding window  hits of the window before, hits of this one
--   3 GCRA            start of the debt, units of 1 / limit ms by which it is paid before the end
--   4 block           start, used
-- Numbers are doubles, so every product here stays below 2^53.
local floor, min, max = math.floor, math.min, math.max
local call, pack, unpack_state = redis.call, struct.pack, struct.unpack
local MAX_COUNT = 2147483647
local MAX_RECOVERY_MS = 315360000000
local time = call('TIME')
local now = time[1] * 1000 + floor(time[2] / 1000)

-- The quotient, rounded up, of a * b + rest by divisor; a is below 2^31, b and divisor below 2^35, b at most divisor.
local function share(a, b, rest, divisor)
  local low = a % 32768
  local head = (a - low) / 32768 * b
  local whole = floor(head / divisor)
  local tail = (head - whole * divisor) * 32768 + low * b + rest
  return whole * 32768 + floor((tail + divisor - 1) / divisor)
end

-- Keeps the state `z`, `y` until it ends. A key always has that time to live; KEEPTTL, which is cheaper, when it has it already.
local function save(key, kind, ends, y, z, stored_ends)
  if kind == 0 then
    call('DEL', key)
  elseif ends == stored_ends then
    call('SET', key, pack('<Bddd', kind, ends, y, z), 'KEEPTTL')
  else
    call('SET', key, pack('<Bddd', kind, ends, y, z), 'PX', ends - now)
  end
end

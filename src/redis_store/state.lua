-- What both scripts share. A key's state is one string: kind, end, and two numbers that the kind explains.
--   1 fixed window    used, 0
--   2 sliding window  hits of the window before, hits of this one
--   3 GCRA            start of the debt, units of 1 / limit ms by which it is paid before the end
--   4 block           start, used
-- A fixed window is a counter where that has room: used * 2^32 + end % 2^32 in decimal digits, which INCRBY counts up.
-- Numbers are doubles, so every product here stays below 2^53.
local floor, min, max, format = math.floor, math.min, math.max, string.format
local pack, unpack_state = struct.pack, struct.unpack
local MAX_COUNT = 2147483647
local MAX_RECOVERY_MS = 315360000000
local COUNTER, COUNTER_END, COUNTER_MS = 4294967296, 9007199254740992, 1073741824

-- The quotient, rounded up, of a * b + rest by divisor; a is below 2^31, b and divisor below 2^35, b at most divisor.
local function share(a, b, rest, divisor)
  local low = a % 32768
  local head = (a - low) / 32768 * b
  local whole = floor(head / divisor)
  local tail = (head - whole * divisor) * 32768 + low * b + rest
  return whole * 32768 + floor((tail + divisor - 1) / divisor)
end

-- Kind, end, the two numbers, and whether it is a counter; kind 0 for what is over, and for what no script wrote.
local function read(value)
  local kind, ends, y, z, is_counter
  if #value == 25 then
    kind, ends, y, z = unpack_state('<Bddd', value)
  else
    local number = tonumber(value)
    if not number or number < COUNTER or number >= COUNTER_END or number % 1 ~= 0 then return 0, 0, 0, 0 end
    -- An end lies at most 12 days ahead, so one that seems to lie more than 24 days ahead lies behind.
    local left = (number - now) % COUNTER
    if left > 2 * COUNTER_MS then left = 0 end
    kind, ends, y, z, is_counter = 1, now + left, floor(number / COUNTER), 0, true
  end
  if ends <= now then return 0, 0, 0, 0 end
  return kind, ends, y, z, is_counter
end

-- Keeps the state until it ends: a key always has that time to live. What has it already keeps it, which is cheaper. Returns
-- what the key is now, unless only a part of that was written.
local function save(key, kind, ends, y, z, old_kind, old_ends, is_counter)
  if kind == 0 then
    call('DEL', key)
    return false
  end
  if kind == old_kind and ends == old_ends and not is_counter then
    call('SETRANGE', key, '9', pack('<dd', y, z))
    return nil
  end
  local value
  if is_counter and kind == 1 and y > 0 and y < 2097152 and ends - now <= COUNTER_MS then
    value = format('%.0f', y * COUNTER + ends % COUNTER)
  else
    value = pack('<Bddd', kind, ends, y, z)
  end
  if ends == old_ends then
    call('SET', key, value, 'KEEPTTL')
  else
    call('SET', key, value, 'PX', ends - now)
  end
  return value
end

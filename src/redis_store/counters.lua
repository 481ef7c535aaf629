-- Counts single hits of fixed windows: one command for a key that is a counter (see state.lua). A fixed window counts what it
-- denies too, so nothing has to be decided first. What is no such counter, or needs more than counting, is left to hit.lua as
-- it was before. First of all in the script and with few means, for a run of a single key pays for everything in it.
local keys, parts = KEYS, #KEYS
local is_counting = ARGV[2] == '2'
local reply, size = { now, ARGV[#ARGV] + 0 }, 2
local odd_rules, odd_times
if is_counting then
  local try, type = redis.pcall, type
  local by, window, top, rule, times = ARGV[8], ARGV[5] + 0, ARGV[9] + 0, 1, 1
  local amount, lifetime = by + 0, ARGV[5]
  local others, odd
  for at = ARGV[1] * 7 + 3, #ARGV - 1, 3 do
    others = others or {}
    others[ARGV[at] + 0] = at
  end
  local used
  for i = 1, parts do
    local key = keys[i]
    if others and others[i] ~= used then
      used = others[i]
      rule, times = used and ARGV[used + 1] + 0 or 1, used and ARGV[used + 2] + 0 or 1
      local at = rule * 7 - 5
      lifetime, by, top = ARGV[at + 3], ARGV[at + 6], ARGV[at + 7] + 0
      amount, window = by * times, lifetime + 0
      if times > 1 then by = string.format('%.0f', amount) end
    end
    local count = try('INCRBY', key, by)
    local is_counted = false
    if type(count) == 'number' then
      if count < top then
        if count == amount then
          call('INCRBY', key, string.format('%.0f', (now + window) % 4294967296))
          call('PEXPIRE', key, lifetime)
          is_counted = true
        else
          local left = (count - now) % 4294967296
          is_counted = left > 0 and left <= window
        end
      end
      if not is_counted then
        if count == amount then call('DEL', key) else call('INCRBY', key, '-' .. by) end
      end
    end
    if is_counted then
      reply[i + 2] = count
    else
      reply[i + 2] = 0
      odd = odd or {}
      odd_rules, odd_times = odd_rules or {}, odd_times or {}
      odd[#odd + 1], odd_rules[#odd + 1], odd_times[#odd + 1] = key, rule, times
    end
  end
  if not odd then return reply end
  keys, size, parts = odd, parts + 2, #odd
end

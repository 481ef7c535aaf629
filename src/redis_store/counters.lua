-- Counts single hits of fixed windows: one command for a key that is a counter. A fixed window counts what it denies too, so
-- nothing has to be decided first. What is no such counter, or needs more than counting, is left to hit.lua as it was before.
local odd_plans
if is_counting then
  local try, type = redis.pcall, type
  local plan, own = { rules[1], 1, 1 }, nil
  for index = at + 1, #ARGV - 1, 2 do
    own = own or {}
    own[ARGV[index] + 0] = plan_of(ARGV[index + 1])
  end
  local used, by, amount, top, window, lifetime, ending
  local odd, odd_count = {}, 0
  for i = 1, parts do
    local key, wanted = keys[i], own and own[i] or plan
    if wanted ~= used then
      used = wanted
      local limit, block, cost = used[1][2], used[1][4], used[1][5]
      window, lifetime, amount = used[1][3], used[1][6], cost * used[2] * COUNTER
      by = format('%.0f', amount)
      -- A denial that blocks is more than counting.
      top = block > 0 and min((limit + 1) * COUNTER, COUNTER_END) or COUNTER_END
      ending = format('%.0f', (now + window) % COUNTER)
    end
    local count = try('INCRBY', key, by)
    local is_good = false
    if type(count) == 'number' then
      if count < top then
        if count == amount then
          call('INCRBY', key, ending)
          call('PEXPIRE', key, lifetime)
          is_good = true
        else
          local left = (count - now) % COUNTER
          is_good = left > 0 and left <= window
        end
      end
      if not is_good then
        if count == amount then call('DEL', key) else call('INCRBY', key, '-' .. by) end
      end
    end
    size = size + 1
    if is_good then
      reply[size] = count
    else
      reply[size] = 0
      odd_count = odd_count + 1
      odd[odd_count] = key
      odd_plans = odd_plans or {}
      odd_plans[odd_count] = used
    end
  end
  if odd_count == 0 then return reply end
  keys, parts = odd, odd_count
end

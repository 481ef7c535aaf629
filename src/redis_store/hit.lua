-- Decides parts of hits, whatever their rules.
-- Without any plan every key is a single hit under the first rule.
local has_plans = is_counting or #ARGV > at + 1

local values = call('MGET', unpack(keys))
local has_repeats = ARGV[2] ~= '0'
local saved = has_repeats and {}
-- What the parts of a hit with several policies wait with: how many of it pass, the rule, what is stored, what is true.
local rooms, rule_of, kinds, ends_of, ys, zs, starts, old_kinds, old_ends_of, old_ys, old_zs, counters
local rule = rules[1]
local algorithm, limit, window, block, cost = rule[1], rule[2], rule[3], rule[4], rule[5]

local i = 1
while i <= parts do
  local hits, last, is_joint, plan = 1, i, false, nil
  if has_plans then
    plan = is_counting and { rules[odd_rules[i]], odd_times[i], 1 } or plan_of(ARGV[at + i])
    hits, last = plan[2], i + plan[3] - 1
    is_joint = last > i
    if is_joint and not rooms then
      rooms, rule_of, kinds, ends_of, ys, zs, starts = {}, {}, {}, {}, {}, {}, {}
      old_kinds, old_ends_of, old_ys, old_zs, counters = {}, {}, {}, {}, {}
    end
  end
  local passed = hits
  -- What is true of the part now. For GCRA y and z become the debt in whole ms and units.
  local room, kind, ends, y, z, start
  local old_kind, old_ends, old_y, old_z, is_counter

  for part = i, last do
    if part > i then plan = plan_of(ARGV[at + part]) end
    if has_plans and rule ~= plan[1] then
      rule = plan[1]
      algorithm, limit, window, block, cost = rule[1], rule[2], rule[3], rule[4], rule[5]
    end
    local value = values[part]
    if has_repeats then
      local newer = saved[keys[part]]
      if newer ~= nil then value = newer end
    end
    kind, ends, y, z, is_counter = 0, 0, 0, 0, is_counting
    if value then
      local was_counter
      kind, ends, y, z, was_counter = read(value)
      is_counter = is_counting or was_counter
      if kind ~= algorithm and kind ~= 4 then kind, ends, y, z = 0, 0, 0, 0 end
    end
    if kind == 0 then
      size = size + 1
      reply[size] = 0
    else
      reply[size + 1] = ends * 8 + kind
      reply[size + 2] = y
      reply[size + 3] = z
      size = size + 3
    end
    old_kind, old_ends, old_y, old_z, start = kind, ends, y, z, now
    -- A value that says nothing any more, or not to this rule, is not left to come back.
    if kind == 0 and value then old_kind = -1 end
    if kind == 4 then
      if y > now then
        ends = ends - (y - now)
        y = now
      end
      room = 0
    elseif algorithm == 1 then
      if kind == 0 then ends = now + window else ends = min(ends, now + window) end
      if cost > 0 then
        room = floor((limit - y) / cost)
      else
        room = y <= limit and hits or 0
      end
    elseif algorithm == 2 then
      if kind == 2 then
        start = min(max(ends - 2 * window, 0), now)
        if now - start >= window then
          start, y, z = start + window, z, 0
        end
        if y == 0 and z == 0 then start = now end
      end
      room = limit - z
      if y > 0 then room = room - share(y, max(start + window - now, 0), 0, window) end
      if cost > 0 then
        room = floor(room / cost)
      else
        room = room >= 0 and hits or 0
      end
    elseif limit == 0 then
      room = cost == 0 and hits or 0
    else
      local full, units = rule[8], rule[9]
      if kind == 3 then
        local ahead = max(y - now, 0)
        start = y - ahead
        y = max(ends - ahead - now, 0)
        z = min(z, limit - 1)
        if z > 0 and y > 0 then y, z = y - 1, limit - z else z = 0 end
        if y > full or (y == full and z > units) then y, z = full, units end
      end
      if cost > 0 then
        local price, odd = rule[6], rule[7]
        full, units = full - y, units - z
        if units < 0 then full, units = full - 1, units + limit end
        if hits == 1 then
          room = (price < full or (price == full and odd <= units)) and 1 or 0
        else
          -- Found in doubles, which may be one off, and put right exactly.
          room = max(min(hits, floor((full + units / limit) / (price + odd / limit))), 0)
          local function fits(n)
            local carry = floor(n * odd / limit)
            local whole = n * price + carry
            return whole < full or (whole == full and n * odd - carry * limit <= units)
          end
          while room > 0 and not fits(room) do room = room - 1 end
          while room < hits and fits(room + 1) do room = room + 1 end
        end
      else
        room = hits
      end
    end
    if room < 0 then room = 0 end
    if room < passed then passed = room end
    if is_joint then
      rooms[part], rule_of[part], kinds[part], ends_of[part] = room, rule, kind, ends
      ys[part], zs[part], starts[part] = y, z, start
      old_kinds[part], old_ends_of[part], old_ys[part], old_zs[part] = old_kind, old_ends, old_y, old_z
      counters[part] = is_counter
    end
  end

  for part = i, last do
    if is_joint then
      room, rule, kind, ends = rooms[part], rule_of[part], kinds[part], ends_of[part]
      algorithm, limit, window, block, cost = rule[1], rule[2], rule[3], rule[4], rule[5]
      y, z, start = ys[part], zs[part], starts[part]
      old_kind, old_ends, old_y, old_z = old_kinds[part], old_ends_of[part], old_ys[part], old_zs[part]
      is_counter = counters[part]
    end
    local denied = passed < hits and room == passed
    -- A policy that would have let more pass than the strictest of its hit is left as it was.
    if passed > 0 or denied then
      local blocks, used = denied and block > 0 and kind ~= 4, 0
      if kind == 4 then
        blocks = false
      elseif algorithm == 1 then
        y = y + passed * cost
        if denied then y = min(y + (blocks and 1 or hits - passed) * cost, 4294967295) end
        if y > 0 or kind == 1 then kind = 1 end
        used = y
      elseif algorithm == 2 then
        z = z + passed * cost
        if blocks then used = z + (y > 0 and share(y, max(start + window - now, 0), 0, window) or 0) end
        kind = (y == 0 and z == 0) and 0 or 2
        ends = start + 2 * window
      elseif limit > 0 then
        if passed > 0 and cost > 0 then
          local owed = z + passed * rule[7]
          local carry = floor(owed / limit)
          y, z = y + passed * rule[6] + carry, owed - carry * limit
        end
        if blocks then
          local over = y % window
          used = (y - over) / window * limit + share(limit, over, z, window)
        end
        if y == 0 and z == 0 then
          kind = 0
        else
          kind = 3
          ends, z = y, z
          if z > 0 then ends, z = y + 1, limit - z end
          if ends > MAX_RECOVERY_MS then ends, z = MAX_RECOVERY_MS, 0 end
          ends, y = now + ends, start
        end
      end
      if blocks then kind, ends, y, z = 4, now + block, now, min(used, MAX_COUNT) end
      if kind == 0 then ends, y, z = 0, 0, 0 end
      if y ~= old_y or z ~= old_z or ends ~= old_ends or kind ~= old_kind then
        local value = save(keys[part], kind, ends, y, z, old_kind, old_ends, is_counter)
        if has_repeats then
          if value == nil then value = pack('<Bddd', kind, ends, y, z) end
          saved[keys[part]] = value
        end
      end
    end
  end
  i = last + 1
end
return reply

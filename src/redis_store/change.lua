-- Changes keys, or only reads them; see mod.rs for KEYS, ARGV and the reply.
local REFUND, PENALTY, REWARD, BLOCK, PEEK, RESET = 1, 2, 3, 4, 5, 6
local reply, size = { now, tonumber(ARGV[#ARGV]) }, 2

for i = 1, #KEYS do
  local at = i * 10 - 9
  local operation, algorithm = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local limit, window = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local price, odd = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
  local full, units = tonumber(ARGV[at + 6]), tonumber(ARGV[at + 7])
  local amount, hit_at = tonumber(ARGV[at + 8]), tonumber(ARGV[at + 9])
  local key = KEYS[i]

  local value = call('MGET', key)[1]
  local kind, ends, y, z, is_counter = 0, 0, 0, 0, false
  if value then
    kind, ends, y, z, is_counter = read(value)
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
  local old_kind, old_ends, old_y, old_z = kind, ends, y, z
  -- A value that says nothing any more, or not to this rule, is not left to come back.
  if kind == 0 and value then old_kind = -1 end

  if operation == RESET then
    kind = 0
  elseif operation ~= PEEK then
    local used = 0
    if kind == 4 then
      local ahead = max(y - now, 0)
      ends, y, used = ends - ahead, y - ahead, z
    elseif algorithm == 1 then
      if kind == 0 then ends = now + window else ends = min(ends, now + window) end
      if operation == REFUND then
        if hit_at >= max(ends - window, 0) and hit_at < ends then y = max(y - amount, 0) end
      elseif operation == PENALTY then
        y = min(y + amount, 4294967295)
        if amount > 0 then kind = 1 end
      elseif operation == REWARD then
        y = max(y - amount, 0)
      end
      used = y
    elseif algorithm == 2 then
      local start = now
      if kind == 2 then
        start = min(max(ends - 2 * window, 0), now)
        if now - start >= window then
          start, y, z = start + window, z, 0
        end
        if y == 0 and z == 0 then start = now end
      end
      if operation == REFUND then
        if hit_at >= start and hit_at < start + window then
          z = max(z - amount, 0)
        elseif hit_at >= max(start - window, 0) and hit_at < start then
          y = max(y - amount, 0)
        end
      elseif operation == PENALTY then
        z = min(z + amount, MAX_COUNT)
      elseif operation == REWARD then
        y = max(y - max(amount - z, 0), 0)
        z = max(z - amount, 0)
      end
      used = z
      if y > 0 then used = used + share(y, max(start + window - now, 0), 0, window) end
      kind = (y == 0 and z == 0) and 0 or 2
      ends = start + 2 * window
    elseif limit > 0 then
      local start = now
      if kind == 3 then
        local ahead = max(y - now, 0)
        start = y - ahead
        y = max(ends - ahead - now, 0)
        z = min(z, limit - 1)
        if z > 0 and y > 0 then y, z = y - 1, limit - z else z = 0 end
        if y > full or (y == full and z > units) then y, z = full, units end
      end
      if operation == PENALTY then
        y, z = y + price, z + odd
        if z >= limit then y, z = y + 1, z - limit end
        if y > full or (y == full and z > units) then y, z = full, units end
      elseif operation == REWARD or (operation == REFUND and hit_at >= start and now < hit_at + window) then
        y, z = y - price, z - odd
        if z < 0 then y, z = y - 1, z + limit end
        if y < 0 then y, z = 0, 0 end
      end
      local over = y % window
      used = (y - over) / window * limit + share(limit, over, z, window)
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
    if operation == BLOCK then
      kind, ends, y, z = 4, now + amount, now, min(used, MAX_COUNT)
      if amount == 0 then kind = 0 end
    end
  end

  if operation ~= PEEK then
    if kind == 0 then ends, y, z = 0, 0, 0 end
    if kind ~= old_kind or ends ~= old_ends or y ~= old_y or z ~= old_z then
      save(key, kind, ends, y, z, old_kind, old_ends, is_counter)
    end
  end
end
return reply

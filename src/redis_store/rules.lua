-- The rules of a run of hits, and what is to be done with each key: a plan is a rule, how many equal hits the key stands for
-- and of how many keys each of them consists; see mod.rs for KEYS, ARGV and the reply.
local rules, at = {}, 2
for number = 1, ARGV[1] do
  local kind = ARGV[at + 1] + 0
  local limit, cost = ARGV[at + 2] + 0, ARGV[at + 5] + 0
  if kind == 3 then
    rules[number] = { kind, limit, ARGV[at + 3] + 0, ARGV[at + 4] + 0, cost,
      ARGV[at + 6] + 0, ARGV[at + 7] + 0, ARGV[at + 8] + 0, ARGV[at + 9] + 0 }
    at = at + 9
  else
    rules[number] = { kind, limit, ARGV[at + 3] + 0, ARGV[at + 4] + 0, cost }
    at = at + (is_counting and 7 or 5)
  end
end

local plans = {}
local function plan_of(text)
  local plan = plans[text]
  if not plan then
    local number, times, joint = string.match(text, '^(%d+) ?(%d*) ?(%d*)$')
    plan = { rules[tonumber(number)], tonumber(times) or 1, tonumber(joint) or 1 }
    plans[text] = plan
  end
  return plan
end

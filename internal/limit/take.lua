-- One try under several limits, by GCRA: takes one of each quota, or none.
-- KEYS are the limits. ARGV is the time to count by, in seconds and nanoseconds, or
-- two empty texts for Redis's own; 1 to give back instead; and for each key
-- the interval in ns, the quota, what the asking replica knows to be used in ns,
-- and 1 where it has counted on its own.
-- A value is when the whole quota is free again, in seconds and nanoseconds: a
-- number of Lua holds no such time in one. Returns whether it was taken, and how
-- much of each quota was used before, in ns.
local s, ns = tonumber(ARGV[1]), tonumber(ARGV[2])
if not s then
  local t = redis.call('TIME')
  s, ns = tonumber(t[1]), tonumber(t[2]) * 1000
end
local give = ARGV[3] == '1'

local function keep(key, used, whole)
  local sum = ns + used
  local seconds = math.floor(sum / 1e9)
  -- For longer than it counts: a key that is missing is one that Redis has lost, or
  -- one that no replica remembers either.
  redis.call('SET', key, string.format('%d %d', s + seconds, sum - seconds * 1e9), 'PX', math.ceil(whole / 1e6) + 1000)
end

local answer, allowed = {1}, true
for i, key in ipairs(KEYS) do
  local interval, quota, known, owed = tonumber(ARGV[4 * i]), tonumber(ARGV[4 * i + 1]), tonumber(ARGV[4 * i + 2]), ARGV[4 * i + 3]
  local value = redis.call('GET', key)
  local used = known
  local ts, tns = string.match(value or '', '^(%d+) (%d+)$')
  if ts then
    used = (tonumber(ts) - s) * 1e9 + tonumber(tns) - ns
    if owed == '1' then used = math.max(used, known) end
  end
  -- No more than all of it: else a clock that was set back shuts everybody out.
  used = math.max(math.min(used, interval * quota), 0)
  answer[i + 1] = used
  if give then
    if ts then keep(key, math.max(used - interval, 0), interval * quota) end
  elseif used + interval > interval * quota then
    allowed = false
  end
end
if give then return answer end

for i, key in ipairs(KEYS) do
  local interval, quota = tonumber(ARGV[4 * i]), tonumber(ARGV[4 * i + 1])
  local used = answer[i + 1]
  if allowed then
    keep(key, used + interval, interval * quota)
  elseif used > 0 then
    keep(key, used, interval * quota)
  end
end
if not allowed then answer[1] = 0 end
return answer

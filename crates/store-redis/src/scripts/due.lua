-- Deadlines that have passed, of several partitions. KEYS: DUE of each. ARGV: now, limit.
-- Answers for each the members with their times, and the earliest time after them.
local answer = {}
for at, key in ipairs(KEYS) do
  local due = redis.call('ZRANGEBYSCORE', key, '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[2])
  local rest = redis.call('ZRANGE', key, #due / 2, #due / 2, 'WITHSCORES')
  answer[at] = { due, rest[2] or '' }
end
return answer

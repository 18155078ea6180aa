-- The change feed after a commit. KEYS: FEED, TAILS. ARGV: commit, limit.
-- Answers id, commit and tail in turns.
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local answer = {}
for at = 1, #found, 2 do
  answer[#answer + 1] = found[at]
  answer[#answer + 1] = found[at + 1]
  answer[#answer + 1] = redis.call('HGET', KEYS[2], found[at]) or ''
end
return answer

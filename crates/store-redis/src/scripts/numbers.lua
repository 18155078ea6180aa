-- A number of several partitions. KEYS: PART of each. ARGV: its name.
local answer = {}
for at, key in ipairs(KEYS) do answer[at] = redis.call('HGET', key, ARGV[1]) or '0' end
return answer

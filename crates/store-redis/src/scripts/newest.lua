-- The newest commit of several partitions. KEYS: PART of each.
local answer = {}
for at, key in ipairs(KEYS) do answer[at] = redis.call('HGET', key, 'newest') or '0' end
return answer

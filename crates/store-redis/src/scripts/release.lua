-- Lets go of a whole log, if a commit is still its newest. ARGV: id, epoch, commit.
local m = redis.call('HMGET', META, 'epoch', 'commit')
if m[1] ~= ARGV[2] or m[2] ~= ARGV[3] then return 0 end
although_full()
remove(ARGV[1])
note(ARGV[1], 'R' .. ARGV[2] .. ':' .. ARGV[3])
local released = tonumber(redis.call('HGET', PART, 'released') or '0')
if tonumber(ARGV[3]) > released then redis.call('HSET', PART, 'released', ARGV[3]) end
return 1

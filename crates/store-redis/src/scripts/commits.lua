-- Commits that filled slots, after one. KEYS: PART, COMMITS. ARGV: commit, limit.
-- Answers newest, earliest, then the entries of the stream.
local m = redis.call('HMGET', KEYS[1], 'newest', 'earliest', 'released', 'holes')
local after, earliest = tonumber(ARGV[1]), m[2] or '0'
if m[3] and tonumber(m[3]) > tonumber(earliest) then earliest = m[3] end
for from, to in string.gmatch(m[4] or '', '(%d+)-(%d+)') do
  if after > tonumber(from) and after < tonumber(to) then earliest = to end
end
return { m[1] or '0', earliest, redis.call('XRANGE', KEYS[2], '(' .. ARGV[1], '+', 'COUNT', ARGV[2]) }

-- Says how far a reader has got. KEYS: WORK. ARGV: reader, commit.
redis.call('HDEL', KEYS[1], '-') -- Works although Redis is full: see `although_full`.
redis.call('HSET', KEYS[1], 'p' .. ARGV[1], ARGV[2])
return 1

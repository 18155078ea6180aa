-- Takes, extends or gives back a lease. KEYS: WORK. ARGV: name, holder, now, until ('' gives it back).
local holder, until_ms = string.match(redis.call('HGET', KEYS[1], 'l' .. ARGV[1]) or '', '^(%d+) (%d+)$')
if ARGV[4] == '' then
  if holder == ARGV[2] then redis.call('HDEL', KEYS[1], 'l' .. ARGV[1]) end
  return 1
end
if holder and holder ~= ARGV[2] and tonumber(ARGV[3]) < tonumber(until_ms) then return 0 end
redis.call('HDEL', KEYS[1], '-') -- Works although Redis is full: see `although_full`.
redis.call('HSET', KEYS[1], 'l' .. ARGV[1], ARGV[2] .. ' ' .. ARGV[4])
return 1

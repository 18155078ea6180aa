-- What commits after one have kept so that they happen once. KEYS: META, ONCE, PRODUCERS, CLAIMS.
-- ARGV: epoch, commit. Answers producers and keys, each name and value in turns.
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return false end
local function since(order)
  local found = {}
  for _, name in ipairs(redis.call('ZRANGEBYSCORE', order, '(' .. ARGV[2], '+inf')) do
    found[#found + 1] = string.sub(name, 2)
    found[#found + 1] = redis.call('HGET', KEYS[2], name)
  end
  return found
end
return { since(KEYS[3]), since(KEYS[4]) }

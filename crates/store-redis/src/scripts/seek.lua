-- Looks for a position. KEYS: META, LOG, FOREIGN. ARGV: epoch, 'after', milliseconds | 'foreign', id.
local META, LOG, FOREIGN = KEYS[1], KEYS[2], KEYS[3]
local m = redis.call('HMGET', META, 'epoch', 'tail', 'base')
if m[1] ~= ARGV[1] then return false end
local base = tonumber(m[3])
if ARGV[2] == 'foreign' then
  local index = redis.call('HGET', FOREIGN, ARGV[3])
  if index and tonumber(index) >= base then return index end
  return ''
end
local low, high, at = base, tonumber(m[2]), tonumber(ARGV[3])
while low < high do
  local middle = math.floor((low + high) / 2)
  local blob = redis.call('HGET', LOG, string.format('%.0f', middle))
  if blob and tonumber(string.match(blob, '^%a%d+ (%d+)')) > at then high = middle else low = middle + 1 end
end
return string.format('%.0f', low)

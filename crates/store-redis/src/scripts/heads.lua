-- The newest deltas of all `accumulate` series. KEYS: META, SERIES, LOG. ARGV: epoch.
-- Answers the tail, then series, index and slot in turns.
local m = redis.call('HMGET', KEYS[1], 'epoch', 'tail')
if m[1] ~= ARGV[1] then return false end
local heads = { m[2] }
local all = redis.call('HGETALL', KEYS[2])
for at = 1, #all, 2 do
  local mode, newest = string.match(all[at + 1], '^(%d);(%d+);')
  if string.sub(all[at], 1, 1) == 's' and mode == '1' then
    local name = string.sub(all[at], 2)
    local blob = redis.call('HGET', KEYS[3], newest)
    if not blob or string.sub(blob, 1, 1) ~= 'E' then
      local kept = redis.call('HGET', KEYS[2], 'h' .. name)
      blob = kept and string.match(kept, '^%d+ (.*)$')
    end
    if blob then
      heads[#heads + 1] = name
      heads[#heads + 1] = newest
      heads[#heads + 1] = blob
    end
  end
end
return heads

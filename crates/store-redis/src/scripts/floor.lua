-- Meets a server process that this client has not seen before: what it has may be older than what was
-- acknowledged. From here on neither a commit number nor a time is one that was used before.
-- KEYS: PART of each partition. ARGV: run id of the process, now.
for _, key in ipairs(KEYS) do
  local m = redis.call('HMGET', key, 'newest', 'run')
  if m[1] and m[2] ~= ARGV[1] then
    local start = math.max(tonumber(m[1]), tonumber(ARGV[2]) * 1024)
    redis.call('HSET', key, 'newest', string.format('%.0f', start), 'floor', string.format('%.0f', tonumber(ARGV[2]) + 1000))
  end
  if m[2] ~= ARGV[1] then redis.call('HSET', key, 'run', ARGV[1]) end
end
return 1

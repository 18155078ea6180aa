-- Takes a log back without its slots. ARGV: id, epoch, now, until, revision, record, sealed, due, place,
-- tail, trim, last time, number of kinds, series, producers and keys, then
-- kinds: kind, count; series: name, state, slot of the newest delta, text of its run;
-- producers and keys: name, value.
local id, epoch, now = ARGV[1], ARGV[2], tonumber(ARGV[3])
if now > tonumber(ARGV[4]) then return 'late' end
if redis.call('HEXISTS', META, 'epoch') == 1 then return 'overtaken' end
for word in string.gmatch(redis.call('HGET', NOTES, id) or '', '[^,]+') do
  if word == 'D' .. epoch then return 'overtaken' end
end
local kinds, series, producers, keys = tonumber(ARGV[13]), tonumber(ARGV[14]), tonumber(ARGV[15]), tonumber(ARGV[16])
local part = next_commit(now)
local commit = part.commit
local tail = ARGV[10]
redis.call('HSET', META, 'epoch', epoch, 'revision', ARGV[5], 'record', ARGV[6], 'sealed', ARGV[7], 'due', ARGV[8],
  'place', pad(tonumber(ARGV[9])), 'tail', tail, 'trim', ARGV[11], 'base', tail, 'at', ARGV[12], 'commit', int(commit),
  'series', int(series))
local at, has_delta = 17, false
for no = 1, kinds do
  redis.call('HSET', KINDS, ARGV[at], no, '#' .. no, ARGV[at + 1], '+', no)
  at = at + 2
end
for _ = 1, series do
  local name, packed, blob, text = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  redis.call('HSET', SERIES, 's' .. name, packed)
  local state = read_series(packed)
  if state.mode == '1' then
    has_delta = true
    redis.call('HSET', SERIES, 'h' .. name, int(state.newest) .. ' ' .. blob)
    join(name, state.run, 0, text)
  end
  at = at + 4
end
if has_delta then redis.call('HSET', META, 'delta', tail) end
for number = 1, producers + keys do
  local order, mark = PRODUCERS, 'p'
  if number > producers then order, mark = CLAIMS, 'k' end
  redis.call('HSET', ONCE, mark .. ARGV[at], ARGV[at + 1])
  redis.call('ZADD', order, number, mark .. ARGV[at])
  at = at + 2
end
redis.call('ZADD', LIST, 0, pad(tonumber(ARGV[9])) .. ':' .. id)
move_deadline(id, nil, nil, ARGV[8], ARGV[5])
strike(id, function(word) return string.sub(word, 1, 1) == 'R' end)
publish(id, { epoch = epoch, tail = tonumber(tail), sealed = ARGV[7] }, part, 0, 0, '0')
return 'done'

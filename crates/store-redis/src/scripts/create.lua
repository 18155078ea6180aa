-- Opens the log of a new task.
-- ARGV: id, epoch, now, record, sealed, due, place, replace, key, body, keep notes, commits kept,
--       series limit, keys limit, -, channel, PUBLISH, count, events...
local id, epoch, now, record, sealed, due, place = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local replace, key, body, keep_notes = ARGV[8], ARGV[9], ARGV[10], ARGV[11]
local count, AT = tonumber(ARGV[18]), 19

local there = redis.call('HMGET', META, 'epoch', 'revision', 'tail', 'trim', 'at', 'commit', 'base', 'record')
if there[1] and replace == '0' then
  local kept = key ~= '' and redis.call('HGET', ONCE, 'k' .. key)
  local same = ''
  if kept then same = string.match(kept, '^(%S+)') == body and 'duplicate' or 'reused' end
  return { 'exists', same, there }
end
local meta = { epoch = epoch, sealed = sealed, tail = 0, last_at = tonumber(place), series_count = 0 }
if there[1] then
  -- What is replaced must not be seen by the checks: only the events among themselves count.
  local fixed, new = {}, 0
  for number = 0, count - 1 do
    local a = AT + number * WIDTH
    local series, mode, field = ARGV[a + 1], ARGV[a + 2], ARGV[a + 3]
    if mode ~= '' and not fixed[series] then
      fixed[series], new = { mode, field }, new + 1
    elseif mode ~= '' and (fixed[series][1] ~= mode or fixed[series][2] ~= field) then
      return { 'series', number, fixed[series][1], fixed[series][2] }
    end
  end
  if new > tonumber(ARGV[13]) then return { 'series-limit' } end
  if keep_notes == '1' then note_deleted(id, there[1]) end
  remove(id)
  meta.series, meta.touched, meta.series_count = {}, {}, new
else
  local refused = check_series(meta, count, AT, tonumber(ARGV[13]))
  if refused then return refused end
end
local part = next_commit(now)
local commit = part.commit
redis.call('HSET', META, 'epoch', epoch, 'revision', 1, 'trim', 0, 'base', 0, 'record', record, 'sealed', sealed, 'place', pad(tonumber(place)))
if due ~= '' then redis.call('HSET', META, 'due', due) end
append(meta, count, AT, part)
redis.call('HSET', META, unpack(position_fields(meta, commit)))
if key ~= '' then
  keep(CLAIMS, 'k' .. key, body .. ' 0 ' .. int(count) .. ' ' .. int(now), commit, tonumber(ARGV[14]))
end
redis.call('ZADD', LIST, 0, pad(tonumber(place)) .. ':' .. id)
move_deadline(id, nil, nil, due, '1')
publish(id, meta, part, 0, count, ARGV[12])
tell(ARGV[17], ARGV[16], meta)
return { 'ok', int(commit), int(meta.tail), int(meta.last_at) }

-- Makes one commit. Everything is checked before anything is written.
-- ARGV: id, epoch, now, expected revision, record, sealed, due,
--       once, name, number, first, last, (producer: id, epoch, first, last; key: key, body, age, -)
--       series limit, once limit, commits kept, channel, PUBLISH, count, events...
local id, epoch, now, expected, record, sealed, due = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local once, name = ARGV[8], ARGV[9]
local count, AT = tonumber(ARGV[18]), 19

local m = redis.call('HMGET', META, 'epoch', 'revision', 'sealed', 'tail', 'at', 'series', 'kind', 'kind_no', 'kind_start', 'kind_count', 'delta', 'due')
if not m[1] or (epoch ~= '' and m[1] ~= epoch) then return { 'not-found' } end

if once == 'p' then
  local number, first, last = tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12])
  local kept = redis.call('HGET', ONCE, 'p' .. name)
  if not kept then
    if first ~= 0 then return { 'start' } end
  else
    local k_number, k_last, k_first, k_index, k_count = string.match(kept, '^(%d+) (%d+) (%d+) (%d+) (%d+)$')
    k_number, k_last, k_first = tonumber(k_number), tonumber(k_last), tonumber(k_first)
    if number < k_number then return { 'fenced', int(k_number) } end
    if number > k_number then
      if first ~= 0 then return { 'start' } end
    elseif last <= k_last then
      if first == k_first and last == k_last then return { 'duplicate', k_index, k_count } end
      return { 'duplicate' }
    elseif first ~= k_last + 1 then
      return { 'gap', int(k_last + 1) }
    end
  end
elseif once == 'k' then
  local kept = redis.call('HGET', ONCE, 'k' .. name)
  if kept then
    local body, index, number, at = string.match(kept, '^(%S+) (%d+) (%d+) (%d+)$')
    if now < tonumber(at) + tonumber(ARGV[11]) then
      if body == ARGV[10] then return { 'duplicate', index, number } end
      return { 'reused' }
    end
  end
end

local current = { 'epoch', 'revision', 'tail', 'trim', 'at', 'commit', 'base', 'record' }
if m[3] == '1' then return { 'sealed', redis.call('HMGET', META, unpack(current)) } end
if expected ~= '' and m[2] ~= expected then return { 'conflict', redis.call('HMGET', META, unpack(current)) } end

local meta = {
  epoch = m[1], sealed = m[3], tail = tonumber(m[4]), last_at = tonumber(m[5]), series_count = tonumber(m[6]),
  kind = m[7] or nil, kind_no = m[8] or nil, kind_start = tonumber(m[9] or nil), kind_count = tonumber(m[10] or nil),
  first_delta = tonumber(m[11] or nil),
}
local refused = check_series(meta, count, AT, tonumber(ARGV[13]))
if refused then return refused end

if sealed == '1' then although_full() end
local part = next_commit(now)
local commit = part.commit
local first, revision = meta.tail, tonumber(m[2])
local folds = append(meta, count, AT, part)
local fields = position_fields(meta, commit)
if expected ~= '' then
  revision, meta.sealed = revision + 1, sealed
  for _, pair in ipairs({ 'revision', int(revision), 'record', record, 'sealed', sealed, 'due', due }) do
    fields[#fields + 1] = pair
  end
  move_deadline(id, m[12], m[2], due, int(revision))
end
redis.call('HSET', META, unpack(fields))
if once == 'p' then
  local packed = ARGV[10] .. ' ' .. ARGV[12] .. ' ' .. ARGV[11] .. ' ' .. int(first) .. ' ' .. int(count)
  keep(PRODUCERS, 'p' .. name, packed, commit, tonumber(ARGV[14]))
elseif once == 'k' then
  forget_old_keys(now, tonumber(ARGV[11]))
  keep(CLAIMS, 'k' .. name, ARGV[10] .. ' ' .. int(first) .. ' ' .. int(count) .. ' ' .. int(now), commit, tonumber(ARGV[14]))
end
publish(id, meta, part, first, count, ARGV[15])
tell(ARGV[17], ARGV[16], meta)
return { 'ok', meta.epoch, int(commit), int(first), int(revision), meta.sealed, int(meta.last_at), folds }

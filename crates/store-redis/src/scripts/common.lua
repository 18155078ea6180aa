-- What every script that changes a task shares. The keys are drawn in keys.rs, in this order.
local PART, LIST, DUE, FEED, TAILS, COMMITS, NOTES = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local META, LOG, SERIES, TEXT, ONCE, PRODUCERS, CLAIMS = KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12], KEYS[13], KEYS[14]
local RUNS, KINDS, UNFOLDED, FOREIGN = KEYS[15], KEYS[16], KEYS[17], KEYS[18]
local CHUNK = 2048

-- Lua writes large numbers with an exponent; integers are exact up to 2^53.
local function int(n) return string.format('%.0f', n) end
local function pad(n) return string.format('%015.0f', n) end

-- What frees memory, or lets others free it, has to work when Redis has none left. Redis lets a script
-- go on once it has written something, and does not refuse this.
local function although_full() redis.call('HDEL', PART, '-') end

-- This server's clock.
local function server_now()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- What a commit needs of its partition: its number, the time of its events, and what was written so
-- far. Times are the caller's clock, but never more than a second ahead of this server's. A partition
-- that is new, or was emptied, begins at a number no commit of a life before can have had.
local function next_commit(now)
  local p = redis.call('HMGET', PART, 'newest', 'floor', 'written')
  local server = server_now()
  local part = { written = tonumber(p[3] or '0') }
  part.now = math.max(math.min(now, server + 1000), tonumber(p[2] or '0'))
  if not p[1] then part.earliest = server * 1024 end
  part.commit = (tonumber(p[1] or nil) or part.earliest) + 1
  return part
end

local function slot_parts(blob)
  local head_end = string.find(blob, '\n', 1, true)
  local state, bytes, at, commit, run, offset, length =
    string.match(blob, '^(%a)(%d+) (%d+) (%d+) (%S+) (%S+) (%d+)\n')
  return state, tonumber(bytes), at, commit, head_end, tonumber(length), run, offset
end

-- Turns the event at an index into a tombstone, if it is one.
local function entomb(index, state)
  local blob = redis.call('HGET', LOG, index)
  if not blob then return end
  local was, _, at, commit, head_end, length = slot_parts(blob)
  if was ~= 'E' then return end
  local head = string.sub(blob, head_end + 1, head_end + length)
  redis.call('HSET', LOG, index, state .. '0 ' .. at .. ' ' .. commit .. ' - - ' .. length .. '\n' .. head)
end

-- Series states are packed: mode;newest;run;offset;start;end;field
local function read_series(packed)
  local mode, newest, run, offset, first, last, field = string.match(packed, '^(%d);(%d+);(%d*);(%d*);(%d*);(%d*);(.*)$')
  return {
    mode = mode, newest = tonumber(newest), run = run ~= '' and tonumber(run) or nil,
    offset = tonumber(offset), first = tonumber(first), last = tonumber(last), field = field,
  }
end

local function write_series(state)
  local run, offset, first, last = '', '', '', ''
  if state.run then run, offset = int(state.run), int(state.offset) end
  if state.first then first, last = int(state.first), int(state.last) end
  return table.concat({ state.mode, int(state.newest), run, offset, first, last, state.field }, ';')
end

-- Joins text to a run, in chunks of a fixed size, so that the cost follows the delta.
local function join(series, run, offset, text)
  local from = 1
  while from <= #text do
    local number, used = math.floor(offset / CHUNK), offset % CHUNK
    local piece = string.sub(text, from, from + CHUNK - used - 1)
    local field = series .. '\n' .. int(run) .. '\n' .. int(number)
    if used > 0 then
      redis.call('HSET', TEXT, field, (redis.call('HGET', TEXT, field) or '') .. piece)
    else
      redis.call('HSET', TEXT, field, piece)
    end
    from, offset = from + #piece, offset + #piece
  end
end

-- Where the events of each kind (level and type) stand: closed runs in a sorted set, with the count
-- before each; the open run in the record of the task.
local function open_kind(meta, kind, index)
  if meta.kind == kind then return end
  if meta.kind_no then
    local count = meta.kind_count + index - meta.kind_start
    redis.call('ZADD', RUNS, 0, meta.kind_no .. ':' .. pad(meta.kind_start) .. ':' .. int(index) .. ':' .. int(meta.kind_count))
    redis.call('HSET', KINDS, '#' .. meta.kind_no, int(count))
  end
  local no = redis.call('HGET', KINDS, kind)
  if not no then
    no = int(redis.call('HINCRBY', KINDS, '+', 1))
    redis.call('HSET', KINDS, kind, no)
  end
  meta.kind, meta.kind_no, meta.kind_start = kind, no, index
  meta.kind_count = tonumber(redis.call('HGET', KINDS, '#' .. no) or '0')
end

-- Appends events; what each brings stands in ARGV from `at` on, `WIDTH` fields each. Says where deltas
-- stand, and which events were superseded. Checks come before the first write: see `check_series`.
local WIDTH = 11
local function append(meta, count, at, part)
  local folds, superseded = {}, {}
  local now, commit = part.now, part.commit
  for number = 0, count - 1 do
    local a = at + number * WIDTH
    local kind, series, mode, field = ARGV[a], ARGV[a + 1], ARGV[a + 2], ARGV[a + 3]
    local first, last, head, data = tonumber(ARGV[a + 4]), tonumber(ARGV[a + 5]), ARGV[a + 6], ARGV[a + 7]
    local foreign, said, index = ARGV[a + 8], ARGV[a + 9], meta.tail
    local when = now
    if said ~= '' then when = math.min(tonumber(said), now) end
    when = math.max(when, meta.last_at)
    local run, offset = '-', '-'
    if mode ~= '' then
      local state = meta.series[series]
      local before = state and state.newest
      if mode == '1' then
        if state and state.first and first then
          run, offset = state.run, state.offset + state.last - state.first
        else
          run, offset = index, 0
        end
        if first then join(series, run, offset, string.sub(data, first + 1, last)) end
        if not meta.first_delta then meta.first_delta = index end
      elseif mode == '2' and before then
        superseded[#superseded + 1] = before
      end
      state = { mode = mode, newest = index, field = field }
      if run ~= '-' then state.run, state.offset = run, offset end
      if run ~= '-' and first then state.first, state.last = first, last end
      meta.series[series], meta.touched[series] = state, true
    end
    if run ~= '-' then
      folds[#folds + 1] = int(run)
      folds[#folds + 1] = int(offset)
      run, offset = int(run), int(offset)
    elseif meta.first_delta then
      redis.call('ZADD', UNFOLDED, int(index), int(index))
    end
    open_kind(meta, kind, index)
    if foreign ~= '' then redis.call('HSET', FOREIGN, foreign, int(index)) end
    local header = 'E' .. #data .. ' ' .. int(when) .. ' ' .. int(commit) .. ' ' .. run .. ' ' .. offset .. ' ' .. #head
    redis.call('HSET', LOG, int(index), header .. '\n' .. head .. data)
    meta.tail, meta.last_at = index + 1, when
    part.written = part.written + tonumber(ARGV[a + 10])
  end
  for series in pairs(meta.touched) do
    redis.call('HSET', SERIES, 's' .. series, write_series(meta.series[series]))
    redis.call('HDEL', SERIES, 'h' .. series)
  end
  for _, index in ipairs(superseded) do entomb(int(index), 'S') end
  return folds
end

-- Looks up the series of the events, and finds the first event that does not fit. Writes nothing.
local function check_series(meta, count, at, limit)
  local fixed, new = {}, 0
  meta.series, meta.touched = {}, {}
  for number = 0, count - 1 do
    local a = at + number * WIDTH
    local series, mode, field = ARGV[a + 1], ARGV[a + 2], ARGV[a + 3]
    if mode ~= '' then
      if not fixed[series] then
        local packed = redis.call('HGET', SERIES, 's' .. series)
        if packed then
          meta.series[series] = read_series(packed)
          fixed[series] = { meta.series[series].mode, meta.series[series].field }
        else
          new = new + 1
          if meta.series_count + new > limit then return { 'series-limit' } end
          fixed[series] = { mode, field }
        end
      end
      if fixed[series][1] ~= mode or fixed[series][2] ~= field then
        return { 'series', number, fixed[series][1], fixed[series][2] }
      end
    end
  end
  meta.series_count = meta.series_count + new
  return nil
end

-- The fields of the record of a task that appending moves.
local function position_fields(meta, commit)
  local fields = {
    'tail', int(meta.tail), 'at', int(meta.last_at), 'commit', int(commit), 'series', int(meta.series_count),
  }
  if meta.kind then
    for _, pair in ipairs({ 'kind', meta.kind, 'kind_no', meta.kind_no, 'kind_start', int(meta.kind_start), 'kind_count', int(meta.kind_count) }) do
      fields[#fields + 1] = pair
    end
  end
  if meta.first_delta then
    fields[#fields + 1] = 'delta'
    fields[#fields + 1] = int(meta.first_delta)
  end
  return fields
end

-- Puts a task at its newest commit: change feed, tails, the commits of the partition.
local function publish(id, meta, part, first, count, kept)
  local commit = part.commit
  redis.call('HSET', PART, 'newest', int(commit), 'written', int(part.written))
  if part.earliest then redis.call('HSET', PART, 'earliest', int(part.earliest)) end
  redis.call('ZADD', FEED, int(commit), id)
  redis.call('HSET', TAILS, id, meta.epoch .. ' ' .. int(meta.tail) .. ' ' .. meta.sealed)
  if count > 0 then
    redis.call('XADD', COMMITS, int(commit) .. '-0', 'i', id, 'e', meta.epoch, 'f', int(first), 'n', int(count))
    if commit % 1024 == 0 and redis.call('XTRIM', COMMITS, 'MAXLEN', '~', kept) > 0 then
      local left = redis.call('XRANGE', COMMITS, '-', '+', 'COUNT', 1)[1]
      if left then redis.call('HSET', PART, 'earliest', int(tonumber(string.match(left[1], '^%d+')) - 1)) end
    end
  end
end

-- Tells whoever follows the task. A hint that fails costs latency; a commit must not fail with it.
local function tell(command, channel, meta)
  redis.pcall(command, channel, meta.epoch .. ' ' .. int(meta.tail))
end

-- Moves a task in the index of deadlines.
local function move_deadline(id, before, before_revision, after, after_revision)
  if before and before ~= '' then redis.call('ZREM', DUE, before_revision .. ' ' .. id) end
  if after ~= '' then redis.call('ZADD', DUE, after, after_revision .. ' ' .. id) end
end

-- Keeps what makes a commit happen once, and forgets what was used longest ago. A key of its own age
-- is forgotten in time.
local function keep(order, name, packed, commit, limit)
  redis.call('HSET', ONCE, name, packed)
  redis.call('ZADD', order, int(commit), name)
  local over = redis.call('ZCARD', order) - limit
  if over > 0 then
    for _, old in ipairs(redis.call('ZRANGE', order, 0, over - 1)) do redis.call('HDEL', ONCE, old) end
    redis.call('ZREMRANGEBYRANK', order, 0, over - 1)
  end
end

local function forget_old_keys(now, age)
  while true do
    local oldest = redis.call('ZRANGE', CLAIMS, 0, 0)[1]
    if not oldest then return end
    local at = tonumber(string.match(redis.call('HGET', ONCE, oldest) or '', '^%S+ %S+ %S+ (%d+)'))
    if at and at + age > now then return end
    redis.call('HDEL', ONCE, oldest)
    redis.call('ZREM', CLAIMS, oldest)
  end
end

-- Takes a task out of everything. Its commits stay in the list of commits, and lead nowhere.
local function remove(id)
  local found = redis.call('HMGET', META, 'place', 'due', 'revision')
  redis.call('ZREM', LIST, found[1] .. ':' .. id)
  move_deadline(id, found[2], found[3], '', '')
  redis.call('ZREM', FEED, id)
  redis.call('HDEL', TAILS, id)
  redis.call('UNLINK', META, LOG, SERIES, TEXT, ONCE, PRODUCERS, CLAIMS, RUNS, KINDS, UNFOLDED, FOREIGN)
end

local function note(id, word)
  local noted = redis.call('HGET', NOTES, id)
  redis.call('HSET', NOTES, id, noted and (noted .. ',' .. word) or word)
end

-- Takes words out of the notes of a task.
local function strike(id, unwanted)
  local noted, left = redis.call('HGET', NOTES, id) or '', {}
  for word in string.gmatch(noted, '[^,]+') do
    if not unwanted(word) then left[#left + 1] = word end
  end
  if #left == 0 then redis.call('HDEL', NOTES, id) else redis.call('HSET', NOTES, id, table.concat(left, ',')) end
end

local function note_deleted(id, epoch)
  strike(id, function(word) return string.sub(word, 1, #epoch + 2) == 'R' .. epoch .. ':' end)
  note(id, 'D' .. epoch)
end

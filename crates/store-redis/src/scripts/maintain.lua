-- Lets go of slots, or turns events into tombstones.
-- ARGV: id, epoch, 'trim' | 'release' | 'clean', to, step | indexes...
-- Answers -1 when the log is gone, else how far `to` was reached.
local id, epoch, what = ARGV[1], ARGV[2], ARGV[3]
local m = redis.call('HMGET', META, 'epoch', 'tail', 'base', 'trim', 'kind_no')
if m[1] ~= epoch then return -1 end
local tail, base, trim = tonumber(m[2]), tonumber(m[3]), tonumber(m[4])

-- The newest deltas of the series in a range stay as heads when the log lets go of them.
local function keep_heads(wanted)
  local all = redis.call('HGETALL', SERIES)
  for at = 1, #all, 2 do
    if string.sub(all[at], 1, 1) == 's' then
      local state = read_series(all[at + 1])
      if state.mode == '1' and wanted(state.newest) then
        local blob = redis.call('HGET', LOG, int(state.newest))
        if blob and string.sub(blob, 1, 1) == 'E' then
          redis.call('HSET', SERIES, 'h' .. string.sub(all[at], 2), int(state.newest) .. ' ' .. blob)
        end
      end
    end
  end
end

although_full()
if what == 'clean' then
  local wanted = {}
  for at = 4, #ARGV do wanted[tonumber(ARGV[at])] = true end
  keep_heads(function(newest) return wanted[newest] end)
  for at = 4, #ARGV do
    if tonumber(ARGV[at]) >= base then entomb(ARGV[at], 'C') end
  end
  return 0
end

local to = math.min(tonumber(ARGV[4]), tail)
local step = math.min(to, base + tonumber(ARGV[5]))
if what == 'trim' then redis.call('HSET', META, 'trim', int(math.max(trim, math.min(to, math.max(step, base))))) end
if step <= base then return int(math.max(to, 0)) end
keep_heads(function(newest) return newest >= base and newest < step end)
local released = tonumber(redis.call('HGET', PART, 'released') or '0')
if what == 'release' then
  local last = redis.call('HGET', LOG, int(step - 1))
  if last then
    local _, _, _, commit = slot_parts(last)
    if tonumber(commit) > released then redis.call('HSET', PART, 'released', commit) end
  end
end
for from = base, step - 1, 500 do
  local some = {}
  for index = from, math.min(from + 500, step) - 1 do some[#some + 1] = int(index) end
  redis.call('HDEL', LOG, unpack(some))
end
redis.call('ZREMRANGEBYSCORE', UNFOLDED, '-inf', '(' .. int(step))
redis.call('HSET', META, 'base', int(step))
-- Closed runs below the base are not needed; the one that reaches across it is.
local kinds = redis.call('HGETALL', KINDS)
for at = 1, #kinds, 2 do
  if string.sub(kinds[at], 1, 1) ~= '#' and kinds[at] ~= '+' then
    local no = kinds[at + 1]
    local last = redis.call('ZREVRANGEBYLEX', RUNS, '(' .. no .. ':' .. pad(step), '[' .. no .. ':', 'LIMIT', 0, 1)[1]
    if last then
      redis.call('ZREMRANGEBYLEX', RUNS, '[' .. no .. ':', '(' .. no .. ':' .. pad(step))
      local finish = tonumber(string.match(last, '^%d+:%d+:(%d+):'))
      if finish > step then redis.call('ZADD', RUNS, 0, last) end
    end
  end
end
return int(step)

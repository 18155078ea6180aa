-- How many slots below an index there are of each kind. KEYS: META, RUNS, KINDS.
-- ARGV: epoch, 'count', index   answers kind and count in turns
--       epoch, 'past', count, numbers of kinds...   answers the smallest index with so many below it,
--       -1 when there are not so many, -2 when it lies below what is held
--       epoch, 'kinds'   answers kind and number in turns
local META, RUNS, KINDS = KEYS[1], KEYS[2], KEYS[3]
local m = redis.call('HMGET', META, 'epoch', 'tail', 'base', 'kind_no', 'kind_start', 'kind_count')
if m[1] ~= ARGV[1] then return false end
local function int(n) return string.format('%.0f', n) end
local function pad(n) return string.format('%015.0f', n) end
local tail, base = tonumber(m[2]), tonumber(m[3])

local function below(no, upto)
  upto = math.max(math.min(upto, tail), base)
  if m[4] == no and tonumber(m[5]) < upto then return tonumber(m[6]) + upto - tonumber(m[5]) end
  local last = redis.call('ZREVRANGEBYLEX', RUNS, '(' .. no .. ':' .. pad(upto), '[' .. no .. ':', 'LIMIT', 0, 1)[1]
  if last then
    local start, finish, count = string.match(last, '^%d+:(%d+):(%d+):(%d+)$')
    return tonumber(count) + math.min(tonumber(finish), upto) - tonumber(start)
  end
  local first = redis.call('ZRANGEBYLEX', RUNS, '[' .. no .. ':', '(' .. no .. ';', 'LIMIT', 0, 1)[1]
  if first then return tonumber(string.match(first, '(%d+)$')) end
  if m[4] == no then return tonumber(m[6]) end
  return tonumber(redis.call('HGET', KINDS, '#' .. no) or '0')
end

local kinds = redis.call('HGETALL', KINDS)
if ARGV[2] == 'past' then
  local wanted = tonumber(ARGV[3])
  local function total(upto)
    local sum = 0
    for at = 4, #ARGV do sum = sum + below(ARGV[at], upto) end
    return sum
  end
  if total(tail) < wanted then return '-1' end
  if total(base) > wanted or wanted == 0 then return '-2' end
  local low, high = base, tail
  while low < high do
    local middle = math.floor((low + high) / 2)
    if total(middle) < wanted then low = middle + 1 else high = middle end
  end
  return int(low)
end
local answer = {}
for at = 1, #kinds, 2 do
  if string.sub(kinds[at], 1, 1) ~= '#' and kinds[at] ~= '+' then
    answer[#answer + 1] = kinds[at]
    answer[#answer + 1] = ARGV[2] == 'kinds' and kinds[at + 1] or int(below(kinds[at + 1], tonumber(ARGV[3])))
  end
end
return answer

-- Meets a server process that a partition does not know yet: what it has may be older than what was
-- acknowledged. From here on neither a commit number nor a time is one that was used before. Where the
-- numbers leap stands in `holes`: a reader whose position lies within one has seen what is lost.
-- KEYS: PART. ARGV: run id of the process, now.
local KEPT = 16
local m = redis.call('HMGET', KEYS[1], 'newest', 'run', 'floor', 'holes')
if m[2] == ARGV[1] then return 1 end
redis.call('HDEL', KEYS[1], '-') -- Works although Redis is full: see `although_full`.
redis.call('HSET', KEYS[1], 'run', ARGV[1])
if not m[1] then return 1 end
local function int(n) return string.format('%.0f', n) end
local time = redis.call('TIME')
local server = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local newest, now = tonumber(m[1]), math.max(tonumber(ARGV[2]), server)
local start = math.max(newest + 1, now * 1024)
local holes = {}
for hole in string.gmatch(m[4] or '', '%S+') do holes[#holes + 1] = hole end
holes[#holes + 1] = int(newest) .. '-' .. int(start)
if #holes > KEPT then
  -- The two oldest become one.
  holes[2] = string.match(holes[1], '^%d+') .. '-' .. string.match(holes[2], '%d+$')
  table.remove(holes, 1)
end
redis.call('HSET', KEYS[1], 'newest', int(start), 'holes', table.concat(holes, ' '),
  'floor', int(math.max(tonumber(m[3] or '0'), now + 1000)))
return 1

-- A page of slots. KEYS: META, LOG, UNFOLDED. ARGV: epoch, from, to, unfolded, most slots, most bytes.
-- Answers tail, trim, base, next, then index and slot in turns.
local META, LOG, UNFOLDED = KEYS[1], KEYS[2], KEYS[3]
local m = redis.call('HMGET', META, 'epoch', 'tail', 'trim', 'base', 'delta')
if m[1] ~= ARGV[1] then return false end
local function int(n) return string.format('%.0f', n) end
local tail, base = tonumber(m[2]), tonumber(m[4])
local from, to = math.max(tonumber(ARGV[2]), base), math.min(tonumber(ARGV[3]), tail)
local most, most_bytes = tonumber(ARGV[5]), tonumber(ARGV[6])
local page = { m[2], m[3], m[4], '' }
local bytes, slots, next_index = 0, 0, math.min(tonumber(ARGV[3]), tail)

-- Takes the slots at some indexes. False once the page is full.
local function take(indexes)
  if #indexes == 0 then return true end
  local blobs = redis.call('HMGET', LOG, unpack(indexes))
  for at, blob in ipairs(blobs) do
    if blob then
      local payload = tonumber(string.match(blob, '^%a(%d+)'))
      if slots > 0 and (slots >= most or bytes + payload > most_bytes) then
        next_index = tonumber(indexes[at])
        return false
      end
      bytes, slots = bytes + payload, slots + 1
      page[#page + 1] = indexes[at]
      page[#page + 1] = blob
    end
  end
  return true
end

local plain = to -- every index below is wanted
if ARGV[4] == '1' and m[5] then plain = math.min(to, tonumber(m[5])) end
local full, at = false, from
while not full and at < plain do
  local some = {}
  for index = at, math.min(at + 64, plain) - 1 do some[#some + 1] = int(index) end
  full, at = not take(some), at + 64
end
at = math.max(from, plain)
while not full and at < to do
  local some = redis.call('ZRANGEBYSCORE', UNFOLDED, int(at), '(' .. int(to), 'LIMIT', 0, 64)
  if #some == 0 then break end
  full, at = not take(some), tonumber(some[#some]) + 1
end
page[4] = int(next_index)
return page

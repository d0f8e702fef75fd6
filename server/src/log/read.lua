-- Reads a page of a room's log and finds whether it continues without a hole from the position asked from. It writes
-- nothing, so it also runs where Redis refuses writes. positions.lua stands before it.
--
-- KEYS[1] log   stream of the room; its entries are described in chain.lua
-- ARGV[1] after   position to continue from (exclusive), or "" for the newest messages
-- ARGV[2] before  position to end at (exclusive), or ""
-- ARGV[3] how many messages at most; 0 reads the newest position alone
-- ARGV[4] how many bytes of messages at most; one message is always given
--
-- Returns head, recovered (1 or 0), complete (1 or 0), lost (as in a loss entry, or ""), then position and body of each
-- message in the log's order.

local after, before, limit, maxBytes = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local head = newest[1] and newest[1][1] or '0-0'

-- Entries are fetched in portions, because a page may be full long before it holds `limit` messages, and every entry
-- that is fetched is copied: first a few, then about as many as the bytes that are left suggest.
local firstPortion = 16
local chosen, bytes = {}, 0

local function portion()
  if #chosen == 0 then return math.min(limit + 1, firstPortion) end
  local left = math.ceil((maxBytes - bytes) / (bytes / #chosen))
  return math.max(1, math.min(limit - #chosen, left) + 1)
end

-- Takes an entry into the page; false where the page is full.
local function choose(entry)
  local size = #entry[2][2] + 40
  if #chosen >= limit or (#chosen > 0 and bytes + size > maxBytes) then return false end
  chosen[#chosen + 1] = entry
  bytes = bytes + size
  return true
end

local function answer(recovered, complete, lost, backwards)
  local result = { head, recovered, complete and 1 or 0, lost or '' }
  for i = 1, #chosen do
    local entry = chosen[backwards and #chosen + 1 - i or i]
    result[#result + 1] = entry[1]
    result[#result + 1] = entry[2][2]
  end
  return result
end

-- Nothing is before the beginning, and Redis knows no interval that ends there.
if before == '0-0' then return answer(1, true) end

if after == '' then
  local stop, complete = before == '' and '+' or '(' .. before, true
  while limit > 0 do
    local count = portion()
    local entries = redis.call('XREVRANGE', KEYS[1], stop, '-', 'COUNT', count)
    for i = 1, #entries do
      if entries[i][2][3] ~= 'l' and not choose(entries[i]) then complete = false break end
    end
    if not complete or #entries < count then break end
    stop = '(' .. entries[#entries][1]
  end
  -- Forward from nowhere there is nothing to complete; backwards, older messages may be left.
  return answer(1, before == '' or complete, nil, true)
end

local recovered, complete, lost = 1, true, nil
local isProven = after == head
local previous = after

-- Takes a loss entry: the break is reported to a reader that reads on over it. Where nothing proves yet that the log
-- continues the position asked from, that position is lost, too, and the break is widened. It then begins at the
-- position asked from, if that is earlier, and ends at the loss entry itself: no earlier gap can have covered that.
local function meetLoss(entry)
  local lostAfter, lostBefore, positions = string.match(entry[2][4], '^(%S+) (%S+) (.*)$')
  if not isProven then
    lostBefore = entry[1]
    if after ~= '0-0' then positions = positions .. ' ' .. after end
    if isAfter(lostAfter, after) then lostAfter = after end
  end
  if lost then
    local firstAfter, firstBefore, firstPositions = string.match(lost, '^(%S+) (%S+) (.*)$')
    positions = firstPositions .. ' ' .. positions
    if isAfter(lostAfter, firstAfter) then lostAfter = firstAfter end
    if isAfter(firstBefore, lostBefore) then lostBefore = firstBefore end
  end
  recovered, lost = 0, lostAfter .. ' ' .. lostBefore .. ' ' .. positions
end

-- Takes one entry of the chain; false where the page ends before it. An entry continues the one before it by its number
-- within an epoch, and by the position that it names as the first of one. A page that holds messages ends where the
-- chain is broken; what follows begins the next page.
local function follow(entry)
  local position, fields = entry[1], entry[2]
  if position == after then
    isProven = true
    return true
  end
  if fields[3] == 'l' then
    if #chosen > 0 then return false end
    meetLoss(entry)
    isProven = true
  else
    local epoch, seq = split(position)
    local previousEpoch, previousSeq = split(previous)
    local continues = (epoch == previousEpoch and seq == previousSeq + 1) or (fields[3] == 'p' and fields[4] == previous)
    if not continues then
      if #chosen > 0 then return false end
      recovered = 0
    end
    if not choose(entry) then return false end
    isProven = true
  end
  previous = position
  return true
end

local start, stop = after, before == '' and '+' or '(' .. before
while true do
  local count = portion()
  local entries = redis.call('XRANGE', KEYS[1], start, stop, 'COUNT', count)
  for i = 1, #entries do
    if not follow(entries[i]) then complete = false break end
  end
  if not complete or #entries < count then break end
  start = '(' .. entries[#entries][1]
end
if not isProven and #chosen == 0 and (before == '' or isAfter(before, after)) then recovered = 0 end
return answer(recovered, complete, lost)

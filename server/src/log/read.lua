#!lua flags=allow-oom
-- Reads a page of a room's log and tells whether it continues without a hole from the position asked from.
-- It may run when Redis is full: all it ever writes is an expiry and one small marker.
--
-- KEYS[1] log   stream of the room
-- KEYS[2] fork  epoch that the next append must exceed
-- ARGV[1] after   position to continue from (exclusive), or "" for the newest messages
-- ARGV[2] before  position to end at (exclusive), or ""
-- ARGV[3] how many messages at most; 0 reads the newest position alone
-- ARGV[4] how many bytes of messages at most; one message is always given
-- ARGV[5] seconds after which an idle log expires
-- ARGV[6] "1" to renew that expiry, "0" to leave it
-- ARGV[7] "1" where an `after` that the log does not reach is taken as proof that writes were lost
-- ARGV[8] newest position that the calling instance has seen of this room, or 0-0
--
-- Returns head, recovered (1 or 0), complete (1 or 0), then position and body of each message in the log's order.

local log, fork = KEYS[1], KEYS[2]
local after, before, limit, maxBytes, ttl = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])

local function split(position)
  local epoch, seq = string.match(position, '^(%d+)-(%d+)$')
  return tonumber(epoch), tonumber(seq)
end
local function isAfter(a, b)
  local epochA, seqA = split(a)
  local epochB, seqB = split(b)
  return epochA > epochB or (epochA == epochB and seqA > seqB)
end

local newest = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)
local head = #newest > 0 and newest[1][1] or '0-0'

-- Whoever holds a position that the log does not reach proves that writes were lost. The next append must not give
-- that position to another message, so it is told to begin a new epoch. A position from the future is no proof.
local function forkBehind(position)
  if not isAfter(position, head) then return end
  local time = redis.call('TIME')
  local epoch = math.min((split(position)), time[1] * 1000 + math.floor(time[2] / 1000))
  local marked = tonumber(redis.call('GET', fork) or -1)
  if epoch > marked then redis.call('SET', fork, string.format('%.0f', epoch), 'EX', ttl) end
end
forkBehind(ARGV[8])
if after ~= '' and ARGV[7] == '1' then forkBehind(after) end

if ARGV[6] == '1' then redis.call('EXPIRE', log, ttl) end

local function page(entries, first, step)
  local chosen, bytes, i = {}, 0, first
  while entries[i] and #chosen < limit do
    local body = entries[i][2][2]
    bytes = bytes + #body + 40
    if #chosen > 0 and bytes > maxBytes then break end
    chosen[#chosen + 1] = entries[i]
    i = i + step
  end
  return chosen, entries[i] == nil
end

local function answer(recovered, complete, entries, backwards)
  local result = { head, recovered, complete and 1 or 0 }
  for i = 1, #entries do
    local entry = entries[backwards and #entries + 1 - i or i]
    result[#result + 1] = entry[1]
    result[#result + 1] = entry[2][2]
  end
  return result
end

local function newestBefore(limitPosition)
  if limit == 0 then return {}, true end
  local from = limitPosition == '' and '+' or '(' .. limitPosition
  return page(redis.call('XREVRANGE', log, from, '-', 'COUNT', limit + 1), 1, 1)
end

-- Nothing is before the beginning, and Redis knows no interval that ends there.
if before == '0-0' then return answer(1, true, {}, false) end

if after == '' then
  local entries, complete = newestBefore(before)
  -- Forward from nowhere there is nothing to complete; backwards, older messages may be left.
  return answer(1, before == '' or complete, entries, true)
end

-- The entry at `after` itself, or the one right behind it, proves that nothing between was trimmed. A new epoch begins
-- only where the log was lost or had lost writes, so nothing proves what was said before its first message: a page ends
-- with its epoch, and a position at the end of an older epoch is not continued.
local to = before == '' and '+' or '(' .. before
local entries = redis.call('XRANGE', log, after, to, 'COUNT', limit + 2)
local first = (#entries > 0 and entries[1][1] == after) and 2 or 1
local afterEpoch, afterSeq = split(after)
local last = first - 1
local epoch, seq = afterEpoch, afterSeq
if after == '0-0' and entries[1] then epoch, seq = split(entries[1][1]), -1 end
while entries[last + 1] do
  local nextEpoch, nextSeq = split(entries[last + 1][1])
  if nextEpoch ~= epoch or nextSeq ~= seq + 1 then break end
  last, seq = last + 1, nextSeq
end
local isNothingLeft = entries[first] == nil and (after == head or first == 2 or (before ~= '' and not isAfter(before, after)))
if last >= first or isNothingLeft then
  local continued = {}
  for i = first, last do continued[#continued + 1] = entries[i] end
  local chosen, complete = page(continued, 1, 1)
  return answer(1, complete and entries[last + 1] == nil, chosen, false)
end
return answer(0, true, (newestBefore(before)), true)

-- Appends a batch to a room's log and broadcasts it, as one step: what is stored is sent, in the order of the log.
-- chain.lua stands before it.
--
-- KEYS[1] log      KEYS[2] life      as in chain.lua
-- KEYS[3] ids 0    remembered ids (hash: id -> position; "#": when it began, "~": how long its ids count, in seconds)
-- KEYS[4] ids 1    the same; the two take turns
-- KEYS[5] channel  sharded pub/sub channel; a key so that a cluster checks that it shares the slot
-- ARGV[1] messages that the log keeps, about
-- ARGV[2] seconds after which an idle log expires
-- ARGV[3] seconds for which an id is remembered, at least
-- ARGV[4] the latest moment: after this time of Redis' own clock, in milliseconds, nothing is stored any more
-- ARGV[5] what the calling instance has delivered or acknowledged, as parseEvidence takes it
-- ARGV[6..9] the frame: before the previous position, between it and the messages, before its tail, after its tail
-- ARGV[10..] for each message: id, id that must be stored before it or "", body (its JSON without `{"position":"…",`)
--
-- Returns Redis' time in milliseconds and the positions of ARGV[5] that the log turned out to lack, then for each
-- message: "+position" stored now, "=position" stored before, "!" refused because its predecessor is missing. Only the
-- first two where the moment of ARGV[4] has passed.

local answers = { string.format('%.0f', nowMs), '' }
if nowMs > tonumber(ARGV[4]) then return answers end

-- Two hashes of ids take turns. The one that began earlier is dropped as a whole, once every id in it has been
-- remembered for as long as the longest retention among its writers, so that instances with different settings may run
-- side by side. Redis' own clock decides, and where it is set back, ids are remembered for longer.
local nowSeconds = tonumber(time[1])
local fields = { '#', '~' }
for i = 10, #ARGV, 3 do
  fields[#fields + 1] = ARGV[i]
  if ARGV[i + 1] ~= '' then fields[#fields + 1] = ARGV[i + 1] end
end
local stored = {}
local function recall(values)
  for i = 3, #fields do
    if values[i] then stored[fields[i]] = values[i] end
  end
  if not values[1] then return nil, 0 end
  -- Without "~" an earlier version of this script wrote the hash, and "#" is no time: it is treated as begun just now.
  return values[2] and math.min(tonumber(values[1]), nowSeconds) or nowSeconds, tonumber(values[2] or ARGV[3])
end
local began0, keep0 = recall(redis.call('HMGET', KEYS[3], unpack(fields)))
local began1, keep1 = recall(redis.call('HMGET', KEYS[4], unpack(fields)))

local previous, lost, epoch, isFirst
-- Finds where the batch goes: done for the first message that is stored, so that a batch of repeats begins nothing.
local function open()
  local evidence, toldAt = parseEvidence(ARGV[5])
  lost, answers[2] = markLoss(evidence, toldAt, ARGV[2])
  previous = head
  isFirst = head == '0-0' or not isSameLife
  epoch = isFirst and nextEpoch(evidence) or (split(head))
end

local messages, remembered = {}, {}
for i = 10, #ARGV, 3 do
  local id, after, body = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if stored[id] then
    answers[#answers + 1] = '=' .. stored[id]
  elseif after ~= '' and not stored[after] then
    answers[#answers + 1] = '!'
  else
    if not previous then open() end
    local entry = string.format('%.0f-*', epoch)
    if isFirst then
      head = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], entry, 'm', body, 'p', previous)
      isFirst = false
    else
      head = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], entry, 'm', body)
    end
    stored[id] = head
    remembered[#remembered + 1] = id
    remembered[#remembered + 1] = head
    messages[#messages + 1] = '{"position":"' .. head .. '",' .. body
    answers[#answers + 1] = '+' .. head
  end
end
if not previous then return answers end

if not isSameLife then enterLife(ARGV[2]) end
renewExpiry(ARGV[2])

-- The hash that began later takes the ids, until its turn is over.
local isTurnOf0 = not began1 or (began0 ~= nil and began0 >= began1)
local began, keep, otherKeep = began0, keep0, keep1
if not isTurnOf0 then began, keep, otherKeep = began1, keep1, keep0 end
if began and nowSeconds - began >= math.max(tonumber(ARGV[3]), otherKeep) then
  isTurnOf0, began, keep = not isTurnOf0, nil, 0
  if isTurnOf0 then redis.call('UNLINK', KEYS[3]) else redis.call('UNLINK', KEYS[4]) end
end
keep = math.max(keep, tonumber(ARGV[3]))
if isTurnOf0 then
  redis.call('HSET', KEYS[3], '#', began or nowSeconds, '~', keep, unpack(remembered))
  redis.call('EXPIRE', KEYS[3], 3 * keep)
else
  redis.call('HSET', KEYS[4], '#', began or nowSeconds, '~', keep, unpack(remembered))
  redis.call('EXPIRE', KEYS[4], 3 * keep)
end

-- With the moment, from which an instance learns how long a message took to it.
local at = '"at":' .. answers[1] .. ','
local frame = ARGV[6] .. previous .. ARGV[7] .. table.concat(messages, ',') .. ARGV[8] .. at .. tail(previous, lost)
redis.call('SPUBLISH', KEYS[5], frame .. ARGV[9])
return answers

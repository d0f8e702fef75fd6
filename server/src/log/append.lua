#!lua
-- Appends a batch to a room's log and broadcasts it, as one step: what is stored is sent, in the order of the log.
--
-- KEYS[1] log       stream of the room
-- KEYS[2] fork      epoch that the next append must exceed, set where a reader was ahead of the log
-- KEYS[3] ids even  remembered ids of even dedup periods (hash: id -> position; field "#" holds the period)
-- KEYS[4] ids odd   the same for odd periods
-- KEYS[5] channel   sharded pub/sub channel; a key so that a cluster checks that it shares the slot
-- ARGV[1] messages that the log keeps, about
-- ARGV[2] seconds after which an idle log expires
-- ARGV[3] seconds for which an id is remembered, at least
-- ARGV[4] newest position that the calling instance has seen of this room, or 0-0
-- ARGV[5..7] the frame around the messages: before them, between them and the newest position, after it
-- ARGV[8..] for each message: id, id that must be stored before it or "", body (its JSON without `{"position":"…",`)
--
-- Returns for each message: "+position" stored now, "=position" stored before, "!" refused: its predecessor is missing.

local log, fork, channel = KEYS[1], KEYS[2], KEYS[5]
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)

local function split(position)
  local epoch, seq = string.match(position, '^(%d+)-(%d+)$')
  return tonumber(epoch), tonumber(seq)
end

-- Two hashes take turns, a period each: an id is found in the current or in the previous one, and a whole hash is
-- dropped at once when its turn comes again. Redis' own clock decides, so that instances need not agree on the time.
local period = math.floor(time[1] / ARGV[3])
local current = period % 2 == 0 and KEYS[3] or KEYS[4]
local previous = period % 2 == 0 and KEYS[4] or KEYS[3]

local fields = { '#' }
for i = 8, #ARGV, 3 do
  fields[#fields + 1] = ARGV[i]
  if ARGV[i + 1] ~= '' then fields[#fields + 1] = ARGV[i + 1] end
end
local stored = {}
local function remember(key, expected)
  local values = redis.call('HMGET', key, unpack(fields))
  if tonumber(values[1] or -1) ~= expected then return values[1] and true or false end
  for i = 2, #fields do
    if values[i] then stored[fields[i]] = values[i] end
  end
  return false
end
remember(previous, period - 1)
local outdated = remember(current, period)

-- A new epoch begins where the log is empty, or where somebody holds a position that the log does not reach (a
-- failover lost writes): no position is ever used twice.
local newest = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)
local forkEpoch = tonumber(redis.call('GET', fork) or -1)
local seenEpoch, seenSeq = split(ARGV[4])
local epoch
if #newest == 0 then
  epoch = math.max(nowMs, forkEpoch + 1, seenEpoch + 1)
else
  local lastEpoch, lastSeq = split(newest[1][1])
  epoch = lastEpoch
  if forkEpoch >= 0 or seenEpoch > lastEpoch or (seenEpoch == lastEpoch and seenSeq > lastSeq) then
    epoch = math.max(nowMs, lastEpoch + 1, forkEpoch + 1, seenEpoch + 1)
  end
end
local id = string.format('%.0f-*', epoch)

local answers, messages, remembered = {}, {}, {}
local last
for i = 8, #ARGV, 3 do
  local messageId, after, body = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if stored[messageId] then
    answers[#answers + 1] = '=' .. stored[messageId]
  elseif after ~= '' and not stored[after] then
    answers[#answers + 1] = '!'
  else
    last = redis.call('XADD', log, 'MAXLEN', '~', ARGV[1], id, 'm', body)
    stored[messageId] = last
    remembered[#remembered + 1] = messageId
    remembered[#remembered + 1] = last
    messages[#messages + 1] = '{"position":"' .. last .. '",' .. body
    answers[#answers + 1] = '+' .. last
  end
end
if not last then return answers end

if forkEpoch >= 0 then redis.call('DEL', fork) end
redis.call('EXPIRE', log, ARGV[2])
if outdated then redis.call('UNLINK', current) end
redis.call('HSET', current, '#', period, unpack(remembered))
redis.call('EXPIRE', current, 2 * ARGV[3])
redis.call('SPUBLISH', channel, ARGV[5] .. table.concat(messages, ',') .. ARGV[6] .. last .. ARGV[7])
return answers

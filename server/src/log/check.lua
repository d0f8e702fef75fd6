-- Compares what an instance has delivered or acknowledged of a room with its log, and may keep the log from expiring.
-- chain.lua stands before it. What the log lacks is reported in the log, and all members are notified to read it.
--
-- KEYS[1] log      KEYS[2] life      as in chain.lua
-- KEYS[3] channel  sharded pub/sub channel
-- ARGV[1] what the calling instance has delivered or acknowledged, as parseEvidence takes it
-- ARGV[2] seconds after which an idle log expires
-- ARGV[3] "1" to renew that expiry, "0" to leave it
-- ARGV[4..6] the frame: before the newest position, before its tail, after its tail
--
-- Returns Redis' time in milliseconds, the positions of ARGV[1] that the log turned out to lack, its newest position, and
-- that of its newest message (0-0 where it is not among the newest entries).

local previous = head
local evidence, toldAt = parseEvidence(ARGV[1])
local lost, gone = markLoss(evidence, toldAt, ARGV[2])
if ARGV[3] == '1' then renewExpiry(ARGV[2]) end
if lost then redis.call('SPUBLISH', KEYS[3], ARGV[4] .. head .. ARGV[5] .. tail(previous, lost) .. ARGV[6]) end
local message = head
if lost or (newest[1] and newest[1][2][3] == 'l') then
  message = '0-0'
  local entries = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 16)
  for i = #entries, 1, -1 do
    if entries[i][2][3] ~= 'l' then message = entries[i][1] end
  end
end
return { string.format('%.0f', nowMs), gone, head, message }

-- Removes the messages of a room's log, and reports that in the log itself, so that every member gets a gap.
-- chain.lua stands before it. The stream stays, and what comes next is a new epoch: no position is used a second time.
--
-- KEYS[1] log      KEYS[2] life      as in chain.lua
-- KEYS[3] channel  sharded pub/sub channel
-- ARGV[1] seconds after which an idle log expires
-- ARGV[2..4] the frame: before the newest position, before its tail, after its tail
--
-- Returns the newest position. Ids stay remembered: a repetition of what was stored before is not stored again.

if head == '0-0' then return head end
local previous = head
local mark = string.format('%.0f-0', nextEpoch({}))
local lost = '0-0 ' .. mark .. ' ' .. previous
redis.call('XTRIM', KEYS[1], 'MAXLEN', '0')
local body = '"id":"lost-' .. mark .. '","event":"holdfast:lost","data":null,"from":{"user":null,"session":null},"sentAtMs":0}'
redis.call('XADD', KEYS[1], mark, 'm', body, 'l', lost)
enterLife(ARGV[1])
renewExpiry(ARGV[1])
head = mark
redis.call('SPUBLISH', KEYS[3], ARGV[2] .. head .. ARGV[3] .. tail(previous, lost) .. ARGV[4])
return head

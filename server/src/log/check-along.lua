-- Answers two questions about a room in one call: the check of its log, and one that is asked along with it. The parts
-- of each stand before this as a function of its own, so that neither sees the other's names.
--
-- KEYS[1..3] and ARGV[1..6] as in check.lua; what follows is for the other one
--
-- Returns the answer of check.lua, then that of the other one, or nil where it failed.

local head = checkLog({ KEYS[1], KEYS[2], KEYS[3] }, { unpack(ARGV, 1, 6) })
if head.err then return head end
local isAnswered, other = pcall(checkAlong, { unpack(KEYS, 4) }, { unpack(ARGV, 7) })
return { head, isAnswered and not other.err and other or nil }

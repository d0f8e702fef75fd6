-- Gives up leases that have ended, so that none of them can be renewed any more. An instance calls this before it removes
-- the members of another one. leases.lua stands before it.
--
-- KEYS[1] and ARGV[1] as in leases.lua
-- ARGV[2..] names of instances
--
-- Returns those that are gone.

local gone = {}
for i = 2, nowMs < calmUntilMs and 0 or #ARGV do
  local endMs = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[i]) or 0)
  if endMs + clockDifferenceMs < nowMs then
    redis.call('ZREM', KEYS[1], ARGV[i])
    gone[#gone + 1] = ARGV[i]
  end
end
return gone

-- Tells an instance where a room's members stand, and keeps them from expiring. room.lua stands before it.
--
-- KEYS[1..5] and ARGV[1..4] as in room.lua
--
-- Returns Redis' time, epoch, n, count, mode, 0, then name and number of holders of each instance that has members here.

if hasVersion then
  enterLife()
  renewExpiry()
end
local result = answer(redis.call('HLEN', KEYS[1]), 0)
local instances = redis.call('HGETALL', KEYS[3])
for i = 1, #instances do result[#result + 1] = instances[i] end
return result

-- Renews the lease of an instance. leases.lua stands before it.
--
-- KEYS[1] and ARGV[1] as in leases.lua
-- ARGV[2] name
-- ARGV[3] milliseconds for which the lease holds from now
-- ARGV[4] "new": a name that was never used; "held": one that is; "last": the instance ends, and its members have ARGV[3]
--         to come back through others; "drop": the instance ends without members
--
-- Returns LAPSED, or Redis' time, the end of the lease, until when nobody may be taken for dead, then name and end of
-- each instance. A name that lapsed is refused: others may have removed some of its members and not yet the rest, so its
-- instance takes a new name.

redis.call('ZADD', KEYS[1], whole(nowMs), '#')

local endMs = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[2]) or -1)
if ARGV[4] ~= 'new' and (endMs < 0 or (endMs < nowMs and nowMs >= calmUntilMs)) then return { 'LAPSED' } end
if ARGV[4] == 'drop' then
  redis.call('ZREM', KEYS[1], ARGV[2])
else
  endMs = nowMs + tonumber(ARGV[3])
  redis.call('ZADD', KEYS[1], whole(endMs), ARGV[2])
end
-- A name that is not listed is taken for dead all the same, so the dead need not stay for long.
local all = leases()
local result = { whole(nowMs), whole(endMs), whole(calmUntilMs) }
for i = 1, #all, 2 do
  if isName(all[i]) then
    if tonumber(all[i + 1]) < nowMs - 40 * leaseMs then
      redis.call('ZREM', KEYS[1], all[i])
    else
      result[#result + 1] = all[i]
      result[#result + 1] = whole(all[i + 1])
    end
  end
end
redis.call('EXPIRE', KEYS[1], math.ceil(leaseMs / 1000) * 40)
return result

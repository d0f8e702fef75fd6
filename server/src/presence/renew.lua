-- Renews the lease of an instance. An instance without a lease is dead, and whoever sees that removes its members.
--
-- KEYS[1] leases  sorted set: name of an instance -> end of its lease, in Redis' milliseconds; "#" -> when anybody renewed
--                 last; "~" -> until when nobody may be taken for dead
-- ARGV[1] name
-- ARGV[2] milliseconds for which the lease holds from now
-- ARGV[3] "new": a name that was never used; "held": one that is; "last": the instance ends, and its members have ARGV[2]
--         to come back through others; "drop": the instance ends without members
-- ARGV[4] milliseconds for which a lease holds as a rule
--
-- Returns LAPSED, or Redis' time, the end of the lease, until when nobody may be taken for dead, then name and end of
-- each instance. A name that lapsed is refused: others may have removed some of its members and not yet the rest, so its
-- instance takes a new name. Where nobody has renewed for most of a lease, Redis was away, and no lease that ended
-- meanwhile proves a death: for the time of a lease all may renew, and nobody is dead.

local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
local leaseMs = tonumber(ARGV[4])
local renewedAtMs = tonumber(redis.call('ZSCORE', KEYS[1], '#') or -1)
local calmUntilMs = tonumber(redis.call('ZSCORE', KEYS[1], '~') or 0)

local function whole(number)
  return string.format('%.0f', number)
end

if renewedAtMs < 0 or nowMs - renewedAtMs > leaseMs * 2 / 3 then
  calmUntilMs = nowMs + leaseMs
  redis.call('ZADD', KEYS[1], whole(calmUntilMs), '~')
end
redis.call('ZADD', KEYS[1], whole(nowMs), '#')

local endMs = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or -1)
if ARGV[3] ~= 'new' and (endMs < 0 or (endMs < nowMs and nowMs >= calmUntilMs)) then return { 'LAPSED' } end
if ARGV[3] == 'drop' then
  redis.call('ZREM', KEYS[1], ARGV[1])
else
  endMs = nowMs + tonumber(ARGV[2])
  redis.call('ZADD', KEYS[1], whole(endMs), ARGV[1])
end
-- A name that is not listed is taken for dead all the same, so the dead need not stay for long.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', whole(nowMs - 40 * leaseMs))
redis.call('EXPIRE', KEYS[1], math.ceil(leaseMs / 1000) * 40)

local result = { whole(nowMs), whole(endMs), whole(calmUntilMs) }
local leases = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for i = 1, #leases, 2 do
  if leases[i] ~= '#' and leases[i] ~= '~' then
    result[#result + 1] = leases[i]
    result[#result + 1] = leases[i + 1]
  end
end
return result

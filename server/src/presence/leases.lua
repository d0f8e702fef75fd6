-- The leases of the instances, for the scripts that read and write them. It is put before them.
--
-- KEYS[1] leases  sorted set: name of an instance -> end of its lease, in Redis' milliseconds; "#" -> when anybody renewed
--                 last; "~" -> until when nobody may be taken for dead; "@<life>" -> 0, the history of Redis' data
-- ARGV[1] milliseconds for which a lease holds as a rule
--
-- An instance without a lease is dead, and those that see it remove its members. Where nobody has renewed for most of a
-- lease, or the data are those of another history, leases may have been lost or have ended without a death: for the time of
-- a lease all may renew, and nobody is dead. Where Redis' clock was set back, all ends are moved with it.

local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
local life = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)') or ''
local leaseMs = tonumber(ARGV[1])
-- How far the clocks of a cluster's masters may be apart.
local clockDifferenceMs = 1000

local function whole(number)
  return string.format('%.0f', number)
end

local function isName(member)
  return not string.find(member, '^[#~@]')
end

local renewedAtMs = tonumber(redis.call('ZSCORE', KEYS[1], '#') or -1)
local calmUntilMs = tonumber(redis.call('ZSCORE', KEYS[1], '~') or 0)
local isSameLife = redis.call('ZSCORE', KEYS[1], '@' .. life)

local function leases()
  return redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
end

if renewedAtMs > nowMs + clockDifferenceMs then
  local all = leases()
  for i = 1, #all, 2 do
    if isName(all[i]) then redis.call('ZADD', KEYS[1], whole(all[i + 1] + nowMs - renewedAtMs), all[i]) end
  end
  renewedAtMs = -1
end
if renewedAtMs < 0 or not isSameLife or nowMs - renewedAtMs > leaseMs * 2 / 3 then
  local all = leases()
  for i = 1, #all, 2 do
    if string.find(all[i], '^@') then redis.call('ZREM', KEYS[1], all[i]) end
  end
  calmUntilMs = nowMs + leaseMs
  redis.call('ZADD', KEYS[1], whole(calmUntilMs), '~', 0, '@' .. life, whole(nowMs), '#')
end

-- The members of a room, for the scripts that read and write them. It is put before them.
--
-- KEYS[1] members    hash: session -> "joined|holder,holder…|user" (Redis' milliseconds; <instance>.<connection>; JSON)
-- KEYS[2] states     hash: session -> JSON of its state, where it has one
-- KEYS[3] instances  hash: name of an instance -> its holders in this room
-- KEYS[4] version    hash: epoch, life, n, mode, and the n that was published last (told) and when (toldAtMs)
-- KEYS[5] channel    sharded pub/sub channel of raw changes
-- ARGV[1] an epoch for the case that a new one begins; random, because a lost one must not come again
-- ARGV[2] members up to which changes are published one by one; above it the count alone
-- ARGV[3] seconds after which the members of a room that nobody looks after expire
-- ARGV[4] name of the calling instance
--
-- A version is (epoch, n). Its epoch is as old as the data: where Redis lost them, or came back with older ones, it is a
-- new one, and numbers of another epoch say nothing.

local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
local life = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
local stored = redis.call('HMGET', KEYS[4], 'epoch', 'life', 'n', 'mode', 'told', 'toldAtMs')
local hasVersion = stored[1]
local epoch, n, mode = stored[1] or '0', tonumber(stored[3] or 0), stored[4] or 'members'
local told, toldAtMs = tonumber(stored[5] or 0), tonumber(stored[6] or 0)

-- Time between two publications of a mere count, in milliseconds.
local countEveryMs = 50

local function whole(number)
  return string.format('%.0f', number)
end

-- The edge is a band, so that a room at it does not change its mode with each member.
local function modeFor(count)
  local most = tonumber(ARGV[2])
  if count > most then return 'count' end
  if count <= most * 0.8 then return 'members' end
  return mode
end

-- Begins a new epoch where the room has none, or where its version was written in another life of the data.
local function enterLife()
  if hasVersion and stored[2] == life then return end
  mode = 'members'
  mode = modeFor(redis.call('HLEN', KEYS[1]))
  epoch, n, told, toldAtMs, hasVersion = ARGV[1], 0, 0, 0, true
  redis.call('HSET', KEYS[4], 'epoch', epoch, 'life', life, 'n', 0, 'mode', mode, 'told', 0, 'toldAtMs', 0)
end

local function renewExpiry()
  redis.call('EXPIRE', KEYS[1], ARGV[3])
  redis.call('EXPIRE', KEYS[2], ARGV[3])
  redis.call('EXPIRE', KEYS[3], ARGV[3])
  redis.call('EXPIRE', KEYS[4], ARGV[3])
end

local function readMember(session)
  local value = redis.call('HGET', KEYS[1], session)
  if not value then return nil end
  local joined, text, user = string.match(value, '^(%d+)|([^|]*)|(.*)$')
  local holders = {}
  for holder in string.gmatch(text, '[^,]+') do holders[#holders + 1] = holder end
  return { joined = joined, holders = holders, user = user }
end

local function writeMember(session, member)
  redis.call('HSET', KEYS[1], session, member.joined .. '|' .. table.concat(member.holders, ',') .. '|' .. member.user)
end

local function indexOf(holders, wanted)
  for i = 1, #holders do
    if holders[i] == wanted then return i end
  end
end

local function instanceOf(holder)
  return string.match(holder, '^[^.]+')
end

local function countHolder(holder, by)
  local instance = instanceOf(holder)
  if redis.call('HINCRBY', KEYS[3], instance, by) <= 0 then redis.call('HDEL', KEYS[3], instance) end
end

local touched, isTouched = {}, {}
local function touch(session)
  if isTouched[session] then return end
  isTouched[session] = true
  touched[#touched + 1] = session
end

-- Holders of other instances that a leave has ended: their instances must not take them for lost.
local ended = {}

-- Stores a member without some of its holders. True where none is left, so that it is a member no more.
local function keepHolders(session, member)
  if #member.holders > 0 then
    writeMember(session, member)
    return false
  end
  redis.call('HDEL', KEYS[1], session)
  redis.call('HDEL', KEYS[2], session)
  touch(session)
  return true
end

local function publish(previous, count, changes)
  told, toldAtMs = n, nowMs
  redis.call('HSET', KEYS[4], 'told', whole(told), 'toldAtMs', whole(toldAtMs))
  redis.call('SPUBLISH', KEYS[5], '{"epoch":"' .. epoch .. '","previous":' .. whole(previous) .. ',"n":' .. whole(n) ..
    ',"count":' .. whole(count) .. ',"mode":"' .. mode .. '","by":"' .. ARGV[4] .. '","changes":[' .. changes ..
    '],"ended":[' .. table.concat(ended, ',') .. ']}')
end

-- What every touched session is now: [session, joined, user, state], or [session] where it is no member.
local function changesOf(sessions)
  local changes = {}
  for i = 1, #sessions do
    local member = readMember(sessions[i])
    if member then
      local state = redis.call('HGET', KEYS[2], sessions[i]) or 'null'
      changes[i] = '["' .. sessions[i] .. '",' .. member.joined .. ',' .. member.user .. ',' .. state .. ']'
    else
      changes[i] = '["' .. sessions[i] .. '"]'
    end
  end
  return table.concat(changes, ',')
end

-- Gives what was touched a number and publishes it; a mere count not more often than every 50 ms. Returns the number of
-- members, and 1 where a count waits to be published: the caller then calls again a moment later.
local function commit()
  local count = redis.call('HLEN', KEYS[1])
  local owes = 0
  if #touched > 0 or #ended > 0 then
    local previous, before = n, mode
    n = n + 1
    mode = modeFor(count)
    redis.call('HSET', KEYS[4], 'n', whole(n), 'mode', mode)
    if mode == 'members' and before == 'members' then
      publish(previous, count, changesOf(touched))
    elseif mode ~= before or #ended > 0 or math.abs(nowMs - toldAtMs) >= countEveryMs then
      publish(previous, count, '')
    else
      owes = 1
    end
    renewExpiry()
  end
  return count, owes
end

local function answer(count, owes)
  return { whole(nowMs), epoch, whole(n), whole(count), mode, owes }
end

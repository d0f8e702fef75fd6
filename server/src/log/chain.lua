-- The chain of a room's log, for the scripts that write it. It is put before them, and positions.lua before it.
--
-- KEYS[1] log   stream: an entry has the field m (a message's body), the first of an epoch also p (the position before
--               it); a loss entry has l (the break that it reports: "after before", then positions that were
--               lost) instead of p
-- KEYS[2] life  string: the history of Redis' data under which the log was written last
--
-- Redis names the history of its data: master_replid changes with every restart and every promotion. The first append
-- under another history begins a new epoch, so that no position is used again where writes were lost. The name may also
-- change when the last replica has been gone for repl-backlog-ttl. Nothing is lost then, so the new epoch only adds a
-- link to the chain.

local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
local life = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
if not life then return redis.error_reply('NOLIFE INFO replication does not contain master_replid') end

local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local head = newest[1] and newest[1][1] or '0-0'

-- Whether the log lacks a position that a message had. Within an epoch a log loses its end or nothing, so what is not
-- beyond the head is there. What lies before the oldest entry was trimmed, unless the log began with that entry.
local function isLost(position)
  if head ~= '0-0' then
    local epoch, seq = split(position)
    local headEpoch, headSeq = split(head)
    if epoch == headEpoch then return seq > headSeq end
    if redis.call('XRANGE', KEYS[1], position, position)[1] then return false end
    local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
    if isAfter(oldest[1], position) then return oldest[2][3] == 'p' and oldest[2][4] == '0-0' end
  end
  return true
end

-- Whether the log was written under the present history of the data, so far.
local isSameLife = redis.call('GET', KEYS[2]) == life

-- The epoch of the next entry, above that of the head and of every one in `positions`. Two lives must not take the
-- same epoch, even if both begin above the same position with a clock that is earlier than it: then the number takes 20
-- bits from the history's name. After a head of the present life no other life can have written.
local function nextEpoch(positions)
  local headEpoch = split(head)
  local highest = headEpoch
  for i = 1, #positions do highest = math.max(highest, (split(positions[i]))) end
  if nowMs > highest then return nowMs end
  if isSameLife and highest == headEpoch then return highest + 1 end
  return highest + 1 + tonumber(string.sub(life, 1, 5), 16)
end

-- Puts off the expiry of the log, and never brings it forward: an instance with a longer setting reckons with its own.
local function renewExpiry(ttlSeconds)
  local seconds = math.max(tonumber(ttlSeconds), redis.call('TTL', KEYS[1]))
  redis.call('EXPIRE', KEYS[1], seconds)
  redis.call('EXPIRE', KEYS[2], seconds)
end

-- Takes note that the log is written under the present history. Only an entry that begins an epoch may do so.
local function enterLife(ttlSeconds)
  redis.call('SET', KEYS[2], life, 'EX', ttlSeconds)
  isSameLife = true
end

-- What an instance has delivered or acknowledged, from its text: positions separated by spaces. After a "/" stands the
-- position at which the log has reported already that it lacks this one.
local function parseEvidence(text)
  local positions, toldAt = {}, {}
  for position, told in string.gmatch(text, '([%d-]+)/?([%d-]*)') do
    positions[#positions + 1] = position
    toldAt[#positions] = told
  end
  return positions, toldAt
end

-- Whether a loss entry among those that follow a break reports a position, or a later one of its epoch. Several
-- instances may know of one loss, and the interval of a second report would be added to that of another loss.
local function isReported(position, following)
  local epoch, seq = split(position)
  for i = 1, #following do
    local fields = following[i][2]
    if fields[3] == 'l' then
      for reported in string.gmatch(fields[4], '%S+ %S+ (.+)') do
        for other in string.gmatch(reported, '%S+') do
          local otherEpoch, otherSeq = split(other)
          if otherEpoch == epoch and otherSeq >= seq then return true end
        end
      end
    end
  end
  return false
end

-- Reports in the log itself that messages are missing from it: a reader that reads on over the break learns of it,
-- once. Returns the break as a loss entry has it, nil where nothing new is lost; and the positions that are lost.
local function markLoss(evidence, toldAt, ttlSeconds)
  local after, before
  local gone, news = {}, {}
  for i = 1, #evidence do
    local position = evidence[i]
    if isLost(position) and (toldAt[i] == '' or isLost(toldAt[i])) then
      gone[#gone + 1] = position
      local last = redis.call('XREVRANGE', KEYS[1], '(' .. position, '-', 'COUNT', 1)[1]
      local following = redis.call('XRANGE', KEYS[1], '(' .. position, '+', 'COUNT', 16)
      local first = following[1]
      if not isReported(position, following) then
        news[#news + 1] = position
        if not after or isAfter(after, last and last[1] or '0-0') then after = last and last[1] or '0-0' end
        if not first then before = '' end
        if first and (not before or (before ~= '' and isAfter(first[1], before))) then before = first[1] end
      end
    end
  end
  if not after then return nil, table.concat(gone, ' ') end
  local mark = string.format('%.0f-0', nextEpoch(evidence))
  local lost = after .. ' ' .. (before == '' and mark or before) .. ' ' .. table.concat(news, ' ')
  -- A server that does not know loss entries yet gives this one to its clients as a message that they do not know.
  local body = '"id":"lost-' .. mark .. '","event":"holdfast:lost","data":null,"from":{"user":null,"session":null},"sentAtMs":0}'
  redis.call('XADD', KEYS[1], mark, 'm', body, 'l', lost)
  enterLife(ttlSeconds)
  head = mark
  return lost, table.concat(gone, ' ')
end

-- The end of a broadcast, from which an instance learns where it stands in the chain without parsing the messages.
local function tail(previous, lost)
  return '"previous":"' .. previous .. '",' .. (lost and '"lost":"' .. lost .. '",' or '') .. '"head":"' .. head .. '"'
end

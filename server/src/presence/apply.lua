-- Adds, ends and updates members of a room: one instance's changes, in order, as one step with their publication.
-- room.lua stands before it.
--
-- KEYS[1..5] and ARGV[1..4] as in room.lua
-- ARGV[5] the latest moment in Redis' milliseconds: that of the end of the caller's lease. After it nothing is carried
--         out, because nobody would ever remove what an instance without a lease has added
-- ARGV[6..] for each change: kind, session, holder, user (JSON), state (JSON or ""), another name of the holder or "",
--         when the session joined, in Redis' milliseconds, or ""
--
-- Kinds: "add" a holder, or a state to it, which counts only from the last holder; "restore" what Redis may have lost,
-- which keeps a state that is there; "end" one holder; "leave" with one holder and all before it, which
-- are older connections of the same session. All of them may be repeated.
--
-- Without a change it publishes a count that waits.
--
-- Returns LATE, or Redis' time, epoch, n, count, mode, whether a count waits, then for each change what it did:
-- "joined <when>", "kept <when>", "left", "refused" (the session is another user's), "" (nothing).

if nowMs > tonumber(ARGV[5]) then return { 'LATE' } end
enterLife()

local function setState(session, member, holder, state, restores)
  if state == '' or member.holders[#member.holders] ~= holder then return end
  local before = redis.call('HGET', KEYS[2], session)
  if before == state or (before and restores) then return end
  redis.call('HSET', KEYS[2], session, state)
  touch(session)
end

local function add(session, holder, user, state, earlier, joined, restores)
  local member = readMember(session)
  local outcome = 'kept '
  if not member then
    member = { joined = joined ~= '' and joined or whole(nowMs), holders = {}, user = user }
    touch(session)
    outcome = 'joined '
  end
  if member.user ~= user then return 'refused' end
  if not indexOf(member.holders, holder) then
    local at = earlier ~= '' and indexOf(member.holders, earlier)
    if at then countHolder(earlier, -1) end
    member.holders[at or #member.holders + 1] = holder
    countHolder(holder, 1)
    writeMember(session, member)
  end
  setState(session, member, holder, state, restores)
  return outcome .. member.joined
end

local function finish(session, holder, other, isLeave)
  local member = readMember(session)
  local at = member and (indexOf(member.holders, holder) or indexOf(member.holders, other))
  if not at then return '' end
  holder = member.holders[at]
  for i = at, isLeave and 1 or at, -1 do
    local removed = table.remove(member.holders, i)
    countHolder(removed, -1)
    if removed ~= holder then ended[#ended + 1] = '"' .. removed .. '"' end
  end
  return keepHolders(session, member) and 'left' or ''
end

local outcomes = {}
for i = 6, #ARGV, 7 do
  local kind, session, holder, state = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 4]
  local outcome = ''
  if kind == 'add' or kind == 'restore' then
    outcome = add(session, holder, ARGV[i + 3], state, ARGV[i + 5], ARGV[i + 6], kind == 'restore')
  else
    outcome = finish(session, holder, ARGV[i + 5], kind == 'leave')
  end
  outcomes[#outcomes + 1] = outcome
end

local count, owes = commit()
if #outcomes == 0 and told < n then
  -- Several instances may call for the same count: the one that comes too soon is told to come again.
  if math.abs(nowMs - toldAtMs) >= countEveryMs then publish(told, count, '') else owes = 1 end
end
local result = answer(count, owes)
for i = 1, #outcomes do result[#result + 1] = outcomes[i] end
return result

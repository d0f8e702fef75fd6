-- Removes the holders of an instance whose lease has ended, some members at a time. room.lua stands before it. Two
-- instances may do so at once: the second finds nothing.
--
-- KEYS[1..5] and ARGV[1..4] as in room.lua
-- ARGV[5] name of the instance that is gone
-- ARGV[6] cursor: "0" at first, then what the last call answered
-- ARGV[7] members to look at, about
--
-- Returns Redis' time, epoch, n, count, mode, whether a count waits, the cursor to go on from ("0" when done), then
-- session and user (JSON) of each member that has left by this.

local gone = ARGV[5]
if not redis.call('HGET', KEYS[3], gone) then
  local result = answer(redis.call('HLEN', KEYS[1]), 0)
  result[#result + 1] = '0'
  return result
end
enterLife()

local left = {}
local page = redis.call('HSCAN', KEYS[1], ARGV[6], 'COUNT', ARGV[7])
for i = 1, #page[2], 2 do
  local session = page[2][i]
  if string.find(page[2][i + 1], gone .. '.', 1, true) then
    local member = readMember(session)
    local removed = false
    for at = member and #member.holders or 0, 1, -1 do
      if instanceOf(member.holders[at]) == gone then
        countHolder(table.remove(member.holders, at), -1)
        removed = true
      end
    end
    if removed and keepHolders(session, member) then
      left[#left + 1] = session
      left[#left + 1] = member.user
    end
  end
end
-- Whatever was counted wrongly: nothing of it is left after the last page.
if page[1] == '0' then redis.call('HDEL', KEYS[3], gone) end
local isDone = not redis.call('HGET', KEYS[3], gone)

local count, owes = commit()
local result = answer(count, owes)
result[#result + 1] = isDone and '0' or page[1]
for i = 1, #left do result[#result + 1] = left[i] end
return result

-- Reads members of a room: all of them where their changes are published one by one, else a page. room.lua stands before it.
--
-- KEYS[1..5] and ARGV[1..4] as in room.lua
-- ARGV[5] epoch of the cursor, or "" to begin. A cursor of another epoch is void, because Redis may order a hash anew
--         when it starts; the answer then is the first page
-- ARGV[6] cursor
-- ARGV[7] members of a page, about
-- ARGV[8] "whole" for all members where their changes are published one by one, and none otherwise; else "page"
--
-- Returns Redis' time, epoch, n, count, mode, 0, the cursor to go on from ("0" at the end), the number of instances that
-- have members in the room and their names, then session, value as in room.lua and state ("" where there is none) of each. Who is a member throughout is in some page; one may be in several.

-- A reader begins an epoch only where there are members, so that a room that nobody is in costs nothing.
if hasVersion then enterLife() end
local limit = tonumber(ARGV[7])
local cursor = ARGV[5] == epoch and ARGV[6] or '0'
local entries = {}
if ARGV[8] == 'whole' then
  cursor = '0'
  if mode == 'members' then entries = redis.call('HGETALL', KEYS[1]) end
else
  -- A hash that many have left is sparse: some scans find little.
  for _ = 1, 10 do
    local page = redis.call('HSCAN', KEYS[1], cursor, 'COUNT', math.max(1, limit - #entries / 2))
    cursor = page[1]
    for i = 1, #page[2] do entries[#entries + 1] = page[2][i] end
    if cursor == '0' or #entries / 2 >= limit then break end
  end
end
local result = answer(redis.call('HLEN', KEYS[1]), 0)
result[#result + 1] = cursor
local instances = redis.call('HKEYS', KEYS[3])
result[#result + 1] = #instances
for i = 1, #instances do result[#result + 1] = instances[i] end
for i = 1, #entries, 2 do
  result[#result + 1] = entries[i]
  result[#result + 1] = entries[i + 1]
  result[#result + 1] = redis.call('HGET', KEYS[2], entries[i]) or ''
end
return result

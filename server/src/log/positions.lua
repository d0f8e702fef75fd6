-- Positions, for the scripts that read or write a log. It is put before them.

-- The epoch of a position and its number in it.
local function split(position)
  local epoch, seq = string.match(position, '^(%d+)-(%d+)$')
  return tonumber(epoch), tonumber(seq)
end

local function isAfter(a, b)
  local epochA, seqA = split(a)
  local epochB, seqB = split(b)
  return epochA > epochB or (epochA == epochB and seqA > seqB)
end

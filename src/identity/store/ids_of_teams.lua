#!lua flags=no-writes
--[[
  The ids of the tokens of some teams: of whole teams, in their order, until there are enough. So an answer is bounded,
  and many teams with few tokens take one call.

  ARGV[1] what the keys of the teams' tokens begin with (single primary, so they need not be in KEYS)
  ARGV[2] how many ids are enough
  then the teams' ids

  Returns a list of ids for each team that was read, which is one team at least.
]]
local lists, found = {}, 0
for n = 3, #ARGV do
  local ids = redis.call('HKEYS', ARGV[1] .. ARGV[n])
  lists[n - 2] = ids
  found = found + #ids
  if found >= tonumber(ARGV[2]) then break end
end
return lists

#!lua flags=allow-oom
--[[
  Ends a session: the next request with it is refused everywhere, since admission looks for its key.

  KEYS[1] session    hash: its secret, parent and record
  ARGV[1] what the keys of the indexes begin with (the parent is told by the session: one primary, no cluster)
  ARGV[2] the same of the tallies

  Returns 1 when it was there, else 0.
]]
-- include: live_sessions.lua
local found = redis.call('HMGET', KEYS[1], 'parent', 'member')
local parent, member = found[1], found[2]
if not parent then return 0 end
redis.call('DEL', KEYS[1])
for _, whose in ipairs({ parent, team_of(parent) }) do
  drop_live(ARGV[1] .. whose, ARGV[2] .. whose, member)
end
return 1

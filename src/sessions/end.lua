#!lua flags=allow-oom
--[[
  Ends a session: the next request with it is refused everywhere, since admission looks for its key.

  KEYS[1] session    hash: its secret, parent and record
  ARGV[1] what the keys of the parents' indexes begin with (the parent is told by the session: one primary, no cluster)
  ARGV[2] the same of their tallies

  Returns 1 when it was there, else 0.
]]
local found = redis.call('HMGET', KEYS[1], 'parent', 'member')
local parent, member = found[1], found[2]
if not parent then return 0 end
redis.call('DEL', KEYS[1])
if redis.call('ZREM', ARGV[1] .. parent, member) == 1 and redis.call('EXISTS', ARGV[2] .. parent) == 1 then
  redis.call('HINCRBY', ARGV[2] .. parent, 'bytes', -tonumber(string.match(member, ':(%d+)$')))
end
return 1

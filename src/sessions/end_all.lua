#!lua flags=allow-oom
--[[
  Ends all sessions of a parent.

  KEYS[1] index      of the live sessions of this parent
  KEYS[2] tally      of the same; the count of this minute stays
  KEYS[3] index      of the live sessions of its team
  KEYS[4] tally      of the same
  ARGV[1] what the keys of the sessions begin with

  Returns how many there were.
]]
-- include: live_sessions.lua
local ended = 0
for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  ended = ended + redis.call('DEL', ARGV[1] .. string.match(member, '^(.+):'))
  drop_live(KEYS[3], KEYS[4], member)
end
redis.call('DEL', KEYS[1])
redis.call('HDEL', KEYS[2], 'bytes')
return ended

#!lua flags=allow-oom
--[[
  Tells an event, if a mark says what it must say.

  KEYS[1] outbox  stream: t type, m team or '', d data
  KEYS[2] mark    string: that it was told, or what was
  ARGV[1] what the mark must say, '' for none   ARGV[2] what it says then   ARGV[3] until when it counts (ms)
  ARGV[4] type   ARGV[5] team or ''   ARGV[6] data, JSON

  Returns 1 if it is told now, 0 if the mark says something else.
]]
-- include: ../store/lua/tell.lua
if (redis.call('GET', KEYS[2]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[2], 'PXAT', ARGV[3])
tell(KEYS[1], ARGV[4], ARGV[5], ARGV[6])
return 1

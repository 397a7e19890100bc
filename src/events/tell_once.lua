#!lua flags=allow-oom
--[[
  Tells an event, unless it has been told.

  KEYS[1] outbox  stream: t type, m team or '', d data
  KEYS[2] mark    string: that it was told
  ARGV[1] until when the mark counts (ms)   ARGV[2] type   ARGV[3] team or ''   ARGV[4] data, JSON

  Returns 1 if it is told now, 0 if it had been.
]]
-- include: ../store/lua/tell.lua
if not redis.call('SET', KEYS[2], '1', 'PXAT', ARGV[1], 'NX') then return 0 end
tell(KEYS[1], ARGV[2], ARGV[3], ARGV[4])
return 1

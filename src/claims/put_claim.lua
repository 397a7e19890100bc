#!lua
--[[
  Puts something sealed under a code. Without allow-oom: a full store refuses.

  KEYS[1] claim      string: what is sealed, or 'opened time (ms)'
  ARGV[1] what is sealed
  ARGV[2] how long it is kept, ms

  Returns 1 when it is there, 0 if there is something under this code already.
]]
if not redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX') then return 0 end
return 1

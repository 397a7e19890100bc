#!lua
--[[
  Counts an exchange of an ID token. Without allow-oom: what cannot be counted is not exchanged.

  KEYS[1] exchanged  string: how often
  ARGV[1] when it can be forgotten (ms)

  Returns which exchange this is.
]]
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIREAT', KEYS[1], ARGV[1]) end
return count

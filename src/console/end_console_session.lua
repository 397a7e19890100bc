#!lua flags=allow-oom
--[[
  Ends a session of the console.

  KEYS[1] session    hash
  KEYS[2] index      sorted set of its holder's sessions
  ARGV[1] hash of the session's secret

  Returns 1 if this holder had it, else 0: nobody ends another holder's session.
]]
if redis.call('ZREM', KEYS[2], ARGV[1]) == 0 then return 0 end
redis.call('DEL', KEYS[1])
return 1

#!lua flags=allow-oom
--[[
  Ends a session of the console.

  KEYS[1] session    hash
  KEYS[2] index      sorted set of its holder's sessions
  ARGV[1] hash of the session's secret
  ARGV[2] '1' keeps a note that it ended, for as long as an unused session would last

  Returns 1 if this holder had it, else 0: nobody ends another holder's session.
]]
if redis.call('ZREM', KEYS[2], ARGV[1]) == 0 then return 0 end
if ARGV[2] == '1' then
  redis.call('HDEL', KEYS[1], 'browser')
  redis.call('HSET', KEYS[1], 'ended', '1')
else
  redis.call('DEL', KEYS[1])
end
return 1

#!lua flags=allow-oom
--[[
  Ends all sessions of a parent.

  KEYS[1] live       sorted set: 'session id:bytes' -> expiry (ms), of this parent
  KEYS[2] minting    hash: its tally; the count of this minute stays
  ARGV[1] what the keys of the sessions begin with

  Returns how many there were.
]]
local ended = 0
for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  ended = ended + redis.call('DEL', ARGV[1] .. string.match(member, '^(.+):'))
end
redis.call('DEL', KEYS[1])
redis.call('HDEL', KEYS[2], 'bytes')
return ended

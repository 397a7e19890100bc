#!lua flags=allow-oom
--[[
  Finds a session of the console by the hash of its secret, and notes that it is used: it ends when it was idle for too
  long. The note is written once a minute at most.

  KEYS[1] session    hash: its holder and its times
  ARGV[1] most it may be idle (ms)

  Returns {now (ms), holder JSON, opened (ms), ends (ms), '1' if a note says that it ended, else ''}; {now (ms)} if there
  is none.
]]
-- include: ../store/lua/now.lua
local found = redis.call('HMGET', KEYS[1], 'holder', 'opened', 'ends', 'used', 'ended')
if not found[1] then return { now_text } end
local idle = now - tonumber(found[4])
if now >= tonumber(found[3]) or idle >= tonumber(ARGV[1]) then return { now_text } end
if idle >= 60000 and not found[5] then
  redis.call('HSET', KEYS[1], 'used', now_text)
  redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', math.min(tonumber(found[3]), now + tonumber(ARGV[1]))))
end
return { now_text, found[1], found[2], found[3], found[5] or '' }

#!lua
--[[
  Opens a session of the console. Without allow-oom: a full store refuses. A holder who has as many as allowed loses the
  one that ends first.

  KEYS[1] session    hash: its holder and its times
  KEYS[2] index      sorted set: the hashes of this holder's sessions -> when they end at the latest (ms)
  ARGV[1] hash of the session's secret
  ARGV[2] holder JSON
  ARGV[3] browser, as it calls itself
  ARGV[4] most a session lasts (ms)   ARGV[5] most it may be idle (ms)
  ARGV[6] what the keys of sessions begin with
  ARGV[7] most sessions of a holder

  Returns {now (ms), when it ends at the latest (ms)}.
]]
-- include: ../store/lua/now.lua
local ends = now + tonumber(ARGV[4])

redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now_text)
local oldest = redis.call('ZRANGE', KEYS[2], 0, -tonumber(ARGV[7]))
for _, hash in ipairs(oldest) do
  redis.call('DEL', ARGV[6] .. hash)
  redis.call('ZREM', KEYS[2], hash)
end

local ends_text = string.format('%.0f', ends)
redis.call('HSET', KEYS[1], 'holder', ARGV[2], 'browser', ARGV[3], 'opened', now_text, 'used', now_text, 'ends', ends_text)
redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', math.min(ends, now + tonumber(ARGV[5]))))
redis.call('ZADD', KEYS[2], ends_text, ARGV[1])
redis.call('PEXPIREAT', KEYS[2], ends_text)
return { now_text, ends_text }

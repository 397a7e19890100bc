#!lua flags=allow-oom
-- Records that a process is alive.
--
-- KEYS[1] processes   KEYS[2] incarnation   KEYS[3] open requests of the process
-- KEYS[4] epochs   KEYS[5] records, if there are any: a store that has lost its data takes no process, so nothing is admitted
-- ARGV[1] process id   ARGV[2] lease, ms   ARGV[3] a nonce: becomes the incarnation if the store has none
--
-- ARGV[4] the field of the epoch of the prices
--
-- Returns { now (ms), incarnation, that epoch or '', ids of the processes that have been silent for longer than the lease ... }

local ttl_s = 30 * 86400

-- include: ../store/lua/has_forgotten.lua
if has_forgotten(KEYS[5]) then
  return redis.error_reply(forgotten)
end

-- include: ../store/lua/now.lua
redis.call('SET', KEYS[2], ARGV[3], 'NX')
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('EXPIRE', KEYS[1], ttl_s)
redis.call('EXPIRE', KEYS[2], ttl_s)
redis.call('EXPIRE', KEYS[3], ttl_s)
local reply = { now_text, redis.call('GET', KEYS[2]), redis.call('HGET', KEYS[4], ARGV[4]) or '' }
local silent = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. string.format('%.0f', now - ARGV[2]))
for n = 1, #silent do
  reply[n + 3] = silent[n]
end
return reply

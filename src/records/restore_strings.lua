#!lua flags=allow-oom
-- Writes strings that expire after a day.
--
-- KEYS[1] restoring
-- ARGV[1] the nonce   ARGV[2..] keys and values, alternating (one primary, no cluster)
--
-- Returns 1, or 0 if another process restores the store.

local ttl_s = 86400

-- include: ./restoring.lua
if not is_restoring(KEYS[1], ARGV[1]) then
  return 0
end
for at = 2, #ARGV, 2 do
  redis.call('SET', ARGV[at], ARGV[at + 1], 'EX', ttl_s)
end
return 1

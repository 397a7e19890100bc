#!lua flags=allow-oom
-- Writes strings that expire after a day.
--
-- KEYS[1] restoring
-- ARGV[1] the nonce   ARGV[2] keys and values, each ended by a line feed (one primary, no cluster)
--
-- Returns 1, or 0 if another process restores the store.

local ttl_s = 86400

-- include: ./restoring.lua
-- include: ../store/lua/fields_of.lua
if not is_restoring(KEYS[1], ARGV[1]) then
  return 0
end
local pairs_of, n = fields_of(ARGV[2])
for at = 1, n, 2 do
  redis.call('SET', pairs_of[at], pairs_of[at + 1], 'EX', ttl_s)
end
return 1

#!lua flags=allow-oom
-- Writes fields of a hash.
--
-- KEYS[1] restoring   KEYS[2] the hash
-- ARGV[1] the nonce   ARGV[2] 1 if the hash begins with these   ARGV[3] when it expires (unix s), '' if never
-- ARGV[4..] fields and values, alternating
--
-- Returns 1, or 0 if another process restores the store.

-- include: ./restoring.lua
if not is_restoring(KEYS[1], ARGV[1]) then
  return 0
end
if ARGV[2] == '1' then
  redis.call('DEL', KEYS[2])
end
for at = 4, #ARGV, 2 do
  redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 1])
end
if ARGV[3] ~= '' then
  redis.call('EXPIREAT', KEYS[2], ARGV[3])
end
return 1

#!lua flags=allow-oom
-- Closes open requests of a process that are closed by the records.
--
-- KEYS[1] restoring   KEYS[2] open requests of the process
-- ARGV[1] the nonce   ARGV[2..] the grants
--
-- Returns 1, or 0 if another process restores the store.

-- include: ./restoring.lua
if not is_restoring(KEYS[1], ARGV[1]) then
  return 0
end
for at = 2, #ARGV do
  redis.call('HDEL', KEYS[2], ARGV[at])
end
return 1

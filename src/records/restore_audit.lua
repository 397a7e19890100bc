#!lua flags=allow-oom
-- Writes entries of the audit trail, oldest first, under the ids that they had.
--
-- KEYS[1] restoring   KEYS[2] audit
-- ARGV[1] the nonce   ARGV[2] 1 if the trail begins with these   ARGV[3..] id, hash and text of each
--
-- Returns 1, or 0 if another process restores the store.

-- include: ./restoring.lua
if not is_restoring(KEYS[1], ARGV[1]) then
  return 0
end
if ARGV[2] == '1' then
  redis.call('DEL', KEYS[2])
end
for at = 3, #ARGV, 3 do
  redis.call('XADD', KEYS[2], ARGV[at], 'h', ARGV[at + 1], 'e', ARGV[at + 2])
end
return 1

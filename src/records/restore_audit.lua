#!lua flags=allow-oom
-- Writes entries of the audit trail, oldest first, under the ids that they had.
--
-- KEYS[1] restoring   KEYS[2] audit
-- ARGV[1] the nonce   ARGV[2] 1 if the trail begins with these   ARGV[3] id, hash and text of each, each ended by a line feed
--
-- Returns 1, or 0 if another process restores the store.

-- include: ./restoring.lua
-- include: ../store/lua/fields_of.lua
if not is_restoring(KEYS[1], ARGV[1]) then
  return 0
end
if ARGV[2] == '1' then
  redis.call('DEL', KEYS[2])
end
local entries, n = fields_of(ARGV[3])
for at = 1, n, 3 do
  redis.call('XADD', KEYS[2], entries[at], 'h', entries[at + 1], 'e', entries[at + 2])
end
return 1

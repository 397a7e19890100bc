#!lua flags=allow-oom
-- Forgets all identities, and writes the settings and where identities came from.
--
-- KEYS[1] restoring   KEYS[2] teams   KEYS[3] epochs   KEYS[4] secrets   KEYS[5] admins   KEYS[6] admin secrets
-- KEYS[7] settings   KEYS[8] provenance
-- ARGV[1] the nonce   ARGV[2] users key of the team ''   ARGV[3] tokens key of the team '' (one primary, no cluster)
-- ARGV[4] settings JSON, '' if there are none
-- ARGV[5] provenance: the store's name, '' if none   ARGV[6] provenance: what IDENTITY_FILE and imports brought
--
-- Returns 1, or 0 if another process restores the store.

-- include: ./restoring.lua
if not is_restoring(KEYS[1], ARGV[1]) then
  return 0
end
for _, team in ipairs(redis.call('HKEYS', KEYS[2])) do
  redis.call('DEL', ARGV[2] .. team, ARGV[3] .. team)
end
redis.call('DEL', KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8])
if ARGV[4] ~= '' then
  redis.call('SET', KEYS[7], ARGV[4])
end
if ARGV[5] ~= '' then
  redis.call('HSET', KEYS[8], 'store', ARGV[5])
end
if ARGV[6] ~= '' then
  redis.call('HSET', KEYS[8], 'seen', ARGV[6])
end
return 1

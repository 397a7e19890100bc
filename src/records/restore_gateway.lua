#!lua flags=allow-oom
-- Forgets all identities and sessions, and writes the settings and where identities came from. One that was ended since the
-- store was as it is now must not go on.
--
-- KEYS[1] restoring   KEYS[2] teams   KEYS[3] epochs   KEYS[4] secrets   KEYS[5] admins   KEYS[6] admin secrets
-- KEYS[7] settings   KEYS[8] provenance   KEYS[9] prices   KEYS[10] webhooks
-- ARGV[1] the nonce
-- ARGV[2] settings JSON, '' if there are none
-- ARGV[3] provenance: the store's name, '' if none   ARGV[4] provenance: what IDENTITY_FILE and imports brought
-- ARGV[5] users key of the team ''   ARGV[6] tokens key of the team '' (one primary, no cluster)
-- ARGV[7..9] key prefixes of sessions, of the indexes of live ones, and of their tallies
--
-- Returns 1, or 0 if another process restores the store.

-- include: ./restoring.lua
if not is_restoring(KEYS[1], ARGV[1]) then
  return 0
end
for _, team in ipairs(redis.call('HKEYS', KEYS[2])) do
  for _, member in ipairs(redis.call('ZRANGE', ARGV[8] .. team, 0, -1)) do
    redis.call('DEL', ARGV[7] .. string.match(member, '^(.+):'))
  end
  for _, token in ipairs(redis.call('HKEYS', ARGV[6] .. team)) do
    local parent = team .. '/' .. token
    redis.call('DEL', ARGV[8] .. parent, ARGV[9] .. parent)
  end
  redis.call('DEL', ARGV[5] .. team, ARGV[6] .. team, ARGV[8] .. team, ARGV[9] .. team)
end
redis.call('DEL', KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10])
if ARGV[2] ~= '' then
  redis.call('SET', KEYS[7], ARGV[2])
end
if ARGV[3] ~= '' then
  redis.call('HSET', KEYS[8], 'store', ARGV[3])
end
if ARGV[4] ~= '' then
  redis.call('HSET', KEYS[8], 'seen', ARGV[4])
end
return 1

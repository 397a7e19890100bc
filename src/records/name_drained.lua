#!lua flags=allow-oom
-- Names a store that has no records yet. allow-oom: draining a full store frees memory.
--
-- KEYS[1] records: hash   ARGV[1] the name
--
-- Returns 1, or 0 if it has a name.
if redis.call('HSETNX', KEYS[1], 'store', ARGV[1]) == 0 then
  return 0
end
redis.call('HSET', KEYS[1], 'mark', '0')
return 1

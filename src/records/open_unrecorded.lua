#!lua flags=allow-oom
-- Notes that the store is used although its records cannot be reached, so that it is not taken for one that has lost its
-- data. It still has no mark.
--
-- KEYS[1] records: hash   KEYS[2] restoring
--
-- Returns 1, or 0 if another process restores the store: then it lacks data.
if redis.call('EXISTS', KEYS[2]) == 1 then
  return 0
end
redis.call('HSETNX', KEYS[1], 'unrecorded', '1')
return 1

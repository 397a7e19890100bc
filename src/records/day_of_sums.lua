#!lua flags=no-writes
-- The sums of a day, and how far the streams were when they stood so.
--
-- KEYS[1] totals of the day: hash   KEYS[2] refusals of the day: hash   KEYS[3] entries   KEYS[4] refusal log
--
-- Returns {newest id of the entries, newest id of the refusal log, names and sums of totals, the same of refusals}

-- include: ../store/lua/stream_info.lua

return {
  stream_info(KEYS[3])['last-generated-id'],
  stream_info(KEYS[4])['last-generated-id'],
  redis.call('HGETALL', KEYS[1]),
  redis.call('HGETALL', KEYS[2]),
}

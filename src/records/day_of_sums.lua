#!lua flags=no-writes
-- The sums of a day, and how far the streams were when they stood so.
--
-- KEYS[1] totals of the day: hash   KEYS[2] refusals of the day: hash   KEYS[3] entries   KEYS[4] refusal log
--
-- Returns {newest id of the entries, newest id of the refusal log, names and sums of totals, the same of refusals}

local function newest(key)
  if redis.call('EXISTS', key) == 0 then
    return '0-0'
  end
  local info = redis.call('XINFO', 'STREAM', key)
  for n = 1, #info, 2 do
    if info[n] == 'last-generated-id' then
      return info[n + 1]
    end
  end
end

return {
  newest(KEYS[3]),
  newest(KEYS[4]),
  redis.call('HGETALL', KEYS[1]),
  redis.call('HGETALL', KEYS[2]),
}

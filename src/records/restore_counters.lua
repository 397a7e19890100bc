#!lua flags=allow-oom
-- Makes the counters of a team those of the records: of days, of months, and of what is open. Sliding windows, whose
-- fields end with '~', and refunded requests, whose fields begin with '!', stay as they are.
--
-- KEYS[1] restoring   KEYS[2] counters of the team
-- ARGV[1] the nonce   ARGV[2..] fields and counters, alternating
--
-- Returns 1, or 0 if another process restores the store.

local ttl_s = 70 * 86400

-- include: ./restoring.lua
if not is_restoring(KEYS[1], ARGV[1]) then
  return 0
end
for _, field in ipairs(redis.call('HKEYS', KEYS[2])) do
  if string.byte(field, -1) ~= 126 and string.byte(field) ~= 33 then
    redis.call('HDEL', KEYS[2], field)
  end
end
for at = 2, #ARGV, 2 do
  redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 1])
end
redis.call('EXPIRE', KEYS[2], ttl_s)
return 1

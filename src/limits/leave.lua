#!lua flags=allow-oom
-- Forgets a process that stops, unless it has open requests.
--
-- KEYS[1] processes   KEYS[2] open requests of the process   ARGV[1] process id
--
-- Returns 1 if it was forgotten, else 0.

if redis.call('EXISTS', KEYS[2]) == 1 then
  return 0
end
return redis.call('ZREM', KEYS[1], ARGV[1])

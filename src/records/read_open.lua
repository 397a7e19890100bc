#!lua flags=no-writes
-- The open requests of all processes.
--
-- KEYS[1] processes
-- ARGV[1] key prefix of open requests (one primary, no cluster)
--
-- Returns { process, grant, when it was admitted (ms) and open record, with a tab between, ... }.

local reply = {}
for _, process in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '+inf')) do
  local open = redis.call('HGETALL', ARGV[1] .. process)
  for n = 1, #open, 2 do
    local at = #reply
    reply[at + 1], reply[at + 2], reply[at + 3] = process, open[n], open[n + 1]
  end
end
return reply

#!lua
-- Adds a process's counts of refused requests to their days. A batch that is sent again is not counted again.
-- Without allow-oom: in a full store the counts wait in their process.
--
-- KEYS[1] sequence number of the process's last batch
--
-- ARGV[1] sequence number of this batch
-- ARGV[2] key prefix of the days   ARGV[3] retention, days   ARGV[4] maximum number of rows per day
-- ARGV[5..] one string per count; a line feed ends each field: day (YYYY-MM-DD), end of the day (unix s), row,
--   the row to use if the day is full, how many
--
-- Returns 1, or 0 if the batch was already counted.

local mark_ttl_s = 86400

if tonumber(redis.call('GET', KEYS[1]) or 0) >= tonumber(ARGV[1]) then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', mark_ttl_s)

for n = 5, #ARGV do
  local day, ends, row, stand_in, count =
    string.match(ARGV[n], '^([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n$')
  local key = ARGV[2] .. day
  if redis.call('HLEN', key) >= tonumber(ARGV[4]) and redis.call('HEXISTS', key, row) == 0 then
    row = stand_in
  end
  redis.call('HINCRBY', key, row, count)
  redis.call('EXPIREAT', key, tonumber(ends) + ARGV[3] * 86400)
end
return 1

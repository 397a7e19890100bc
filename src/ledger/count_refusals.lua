#!lua flags=allow-oom
-- Adds a process's counts of refused requests to their days: once, however often the same batch is sent.
-- allow-oom: why requests are refused is worth knowing most when the store is full; the rows are bounded.
--
-- KEYS[1] the sequence of the process's last batch
--
-- ARGV[1] sequence of this batch
-- ARGV[2] what the keys of the days begin with   ARGV[3] days they are kept   ARGV[4] most rows a day
-- then one a count, its fields each ended by a line feed: day (YYYY-MM-DD), its end (unix s), row, the row that
--   stands in for it where the day has no room, how many
--
-- Returns 1, or 0 where the batch was counted before.

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

#!lua
-- Adds a process's counts of refused requests to their days. A batch that is sent again is not counted again.
-- Without allow-oom: in a full store the counts wait in their process.
--
-- KEYS[1] sequence number of the process's last batch   KEYS[2] batches to be drained into records: stream
--
-- ARGV[1] sequence number of this batch
-- ARGV[2] key prefix of the days   ARGV[3] retention, days   ARGV[4] maximum number of rows per day
-- ARGV[5] number of rows from which new ones have no details   ARGV[6] process id
-- ARGV[7] how many bytes batches may take until they are drained into records; 0: there are no records
-- ARGV[8..] one string per count; a line feed ends each field: day (YYYY-MM-DD), end of the day (unix s), row,
--   the row without details, the row to use if the day is full, how many, when the last was refused (ms)
--
-- A row's value: how many, when the last was refused (ms).
-- An element of the stream: p process, s sequence number, c of each count: day, row, how many, when the last was refused,
--   a line feed after each.
--
-- Returns 1, or 0 if the batch was already counted.

local mark_ttl_s = 86400

if tonumber(redis.call('GET', KEYS[1]) or 0) >= tonumber(ARGV[1]) then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', mark_ttl_s)

-- include: ../store/lua/bound_backlog.lua

-- Below so many batches their bytes are not measured.
local few_batches = 100
local backlog_bytes = tonumber(ARGV[7])
local counted = {}

for n = 8, #ARGV do
  local day, ends, row, plain, stand_in, count, last =
    string.match(ARGV[n], '^([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n$')
  local key = ARGV[2] .. day
  local rows = redis.call('HLEN', key)
  if rows >= tonumber(ARGV[5]) and redis.call('HEXISTS', key, row) == 0 then
    row = plain
  end
  if rows >= tonumber(ARGV[4]) and redis.call('HEXISTS', key, row) == 0 then
    row = stand_in
  end
  if backlog_bytes > 0 then
    counted[#counted + 1] = table.concat({ day, row, count, last, '' }, '\n')
  end
  local known, known_last = string.match(redis.call('HGET', key, row) or '0 0', '^(%d+) ?(%d*)')
  last = math.max(tonumber(last), tonumber(known_last) or 0)
  redis.call('HSET', key, row, string.format('%.0f %.0f', known + count, last))
  redis.call('EXPIREAT', key, tonumber(ends) + ARGV[3] * 86400)
end
if backlog_bytes > 0 then
  redis.call('XADD', KEYS[2], '*', 'p', ARGV[6], 's', ARGV[1], 'c', table.concat(counted))
  bound_backlog(KEYS[2], few_batches, backlog_bytes)
end
return 1

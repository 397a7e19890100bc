#!lua flags=allow-oom
-- Ends the restoring of a store, which then takes processes again, if it was given nothing that is not recorded. Its
-- streams go on after what is recorded, with ids and counts. What an older store still has of entries and refusals goes:
-- it is in the records, where somebody may have been erased since.
--
-- KEYS[1] restoring   KEYS[2] records   KEYS[3..5] the streams
-- ARGV[1] the nonce   ARGV[2] how long streams stay that nothing is added to, s
-- ARGV[3..5] ids of their last recorded elements   ARGV[6..8] how many elements each had been given by then
-- ARGV[9..] fields of records and their values, alternating
--
-- Returns 1; 0 if another process restores the store; 'moved' if a stream has an element that is not recorded.

-- include: ./restoring.lua
if not is_restoring(KEYS[1], ARGV[1]) then
  return 0
end

local function last_id(stream)
  if redis.call('EXISTS', stream) == 0 then
    return '0-0'
  end
  local info = redis.call('XINFO', 'STREAM', stream)
  for n = 1, #info, 2 do
    if info[n] == 'last-generated-id' then
      return info[n + 1]
    end
  end
end

local function is_after(id, other)
  local ms, seq = string.match(id, '^(%d+)%-(%d+)$')
  local other_ms, other_seq = string.match(other, '^(%d+)%-(%d+)$')
  ms, seq, other_ms, other_seq = tonumber(ms), tonumber(seq), tonumber(other_ms), tonumber(other_seq)
  return ms > other_ms or (ms == other_ms and seq > other_seq)
end

local last = {}
for n = 3, 5 do
  last[n] = last_id(KEYS[n])
  if is_after(last[n], ARGV[n]) then
    return 'moved'
  end
end
redis.call('XTRIM', KEYS[3], 'MAXLEN', '0')
redis.call('XTRIM', KEYS[4], 'MAXLEN', '0')
for n = 3, 5 do
  if is_after(ARGV[n], last[n]) then
    redis.call('XADD', KEYS[n], ARGV[n], '-', '')
    redis.call('XDEL', KEYS[n], ARGV[n])
  end
  if ARGV[n] ~= '0-0' then
    local added = math.max(tonumber(ARGV[n + 3]), redis.call('XLEN', KEYS[n]))
    redis.call('XSETID', KEYS[n], ARGV[n], 'ENTRIESADDED', string.format('%.0f', added))
  end
end
if redis.call('EXISTS', KEYS[3]) == 1 then redis.call('EXPIRE', KEYS[3], ARGV[2]) end
for at = 9, #ARGV, 2 do
  redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 1])
end
redis.call('DEL', KEYS[1])
return 1

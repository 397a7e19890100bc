#!lua flags=no-writes
-- Reads what is not drained yet, and what the store says of its records.
--
-- KEYS[1] records: hash   KEYS[2..] the streams
-- ARGV[1] the most elements of each stream   ARGV[2..] for each stream the id after which to read
--
-- Returns {store name, mark, for each stream: {how many were ever added, how many there are, id of the first or '', newest id ever
--   given, whether the element with the id of ARGV is there (1 or 0), elements as XRANGE gives them}};
--   name and mark are '' if there is no such hash.

-- include: ../store/lua/stream_info.lua

local function seen(key, after)
  local info = stream_info(key)
  local first = redis.call('XRANGE', key, '-', '+', 'COUNT', 1)[1]
  return {
    string.format('%.0f', info['entries-added']),
    string.format('%.0f', info['length']),
    first and first[1] or '',
    info['last-generated-id'],
    #redis.call('XRANGE', key, after, after, 'COUNT', 1),
    redis.call('XRANGE', key, '(' .. after, '+', 'COUNT', ARGV[1]),
  }
end

local records = redis.call('HMGET', KEYS[1], 'store', 'mark')
local reply = { records[1] or '', records[2] or '' }
for n = 2, #KEYS do
  reply[n + 1] = seen(KEYS[n], ARGV[n])
end
return reply

-- Streams that are drained into records.

-- Keeps what is not drained yet, up to so many bytes; beyond them the oldest elements go, with a tenth of the rest, so that this
-- is not needed each time. The drain counts what it misses. Up to `few` elements nothing is measured.
local function bound_backlog(stream, few, max_bytes)
  local length = redis.call('XLEN', stream)
  if length <= few then return end
  local bytes = redis.call('MEMORY', 'USAGE', stream)
  if bytes > max_bytes then
    local keep = math.floor(length * 0.9 * max_bytes / bytes)
    redis.call('XTRIM', stream, 'MAXLEN', '~', string.format('%.0f', keep))
  end
end

#!lua flags=no-writes
-- How much of the store is not drained yet.
--
-- KEYS[1] records: hash   KEYS[2..4] entries, refusals, audit
--
-- Returns {when it was last drained (ms) or '', for each stream how many elements are not drained, about how many bytes these take}

-- include: ../store/lua/stream_info.lua

local known = redis.call('HMGET', KEYS[1], 'drained_at', 'entries_added', 'refusals_added', 'audit_added')
local reply, bytes = { known[1] or '' }, 0
for n = 2, 4 do
  local info = stream_info(KEYS[n])
  local undrained = math.max(0, info['entries-added'] - tonumber(known[n] or 0))
  reply[n] = string.format('%.0f', undrained)
  if undrained > 0 and info['length'] > 0 then
    bytes = bytes + redis.call('MEMORY', 'USAGE', KEYS[n]) * math.min(1, undrained / info['length'])
  end
end
reply[5] = string.format('%.0f', bytes)
return reply

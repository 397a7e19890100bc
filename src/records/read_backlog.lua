#!lua flags=no-writes
-- How much of the store is not drained yet.
--
-- KEYS[1] records: hash   KEYS[2..4] entries, refusals, audit
--
-- Returns {when it was last drained (ms) or '', for each stream how many elements are not drained}

-- include: ../store/lua/stream_info.lua

local known = redis.call('HMGET', KEYS[1], 'drained_at', 'entries_added', 'refusals_added', 'audit_added')
local reply = { known[1] or '' }
for n = 2, 4 do
  local undrained = stream_info(KEYS[n])['entries-added'] - tonumber(known[n] or 0)
  reply[n] = string.format('%.0f', math.max(0, undrained))
end
return reply

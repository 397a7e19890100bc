#!lua flags=allow-oom
-- Reads some of the open requests of a silent process; forgets the process when none are left.
--
-- KEYS[1] processes   KEYS[2] open requests of that process
-- ARGV[1] its id   ARGV[2] lease, ms
--
-- Returns { grant id, open record, ... }; nothing when it is alive after all.

-- include: ../store/lua/now.lua
local beat = redis.call('ZSCORE', KEYS[1], ARGV[1])
if beat and now - tonumber(beat) <= tonumber(ARGV[2]) then
  return {}
end
local cursor = '0'
repeat
  local page = redis.call('HSCAN', KEYS[2], cursor, 'COUNT', 200)
  if #page[2] > 0 then
    return page[2]
  end
  cursor = page[1]
until cursor == '0'
redis.call('ZREM', KEYS[1], ARGV[1])
return {}

#!lua flags=allow-oom
-- Reads some open requests of a silent process, or forgets the process if there are none left.
--
-- KEYS[1] processes   KEYS[2] open requests of that process
-- ARGV[1] its id   ARGV[2] lease, ms
--
-- Returns { grant id, open record, ... }; empty if the process is alive after all.

-- include: ../store/lua/is_alive.lua
if is_alive(KEYS[1], ARGV[1], ARGV[2]) then
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

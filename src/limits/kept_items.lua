#!lua flags=no-writes
-- Reads the items of responses that are kept (see keyed.lua).
--
-- ARGV[1] key prefix of the items (there is a single primary, so these keys need not be in KEYS)
-- ARGV[2...] ids of responses, as the store knows them
--
-- Returns for each its sealed items, '' if there are none.

-- include: ../store/lua/keyed.lua

local reply = {}
for n = 2, #ARGV do
  local items = keyed_in(redis.call('GET', ARGV[1] .. ARGV[n]))
  reply[n - 1] = items and items.answer or ''
end
return reply

#!lua flags=no-writes
-- How many processes are alive.
--
-- KEYS[1] processes   ARGV[1] lease, ms
--
-- Returns how many have sent a heartbeat within the lease

-- include: ../store/lua/now.lua
return redis.call('ZCOUNT', KEYS[1], string.format('%.0f', now - ARGV[1]), '+inf')

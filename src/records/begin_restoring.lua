#!lua flags=allow-oom
-- Begins to restore a store that has lost data. Until that is finished, it takes no process and nobody is unknown.
--
-- KEYS[1] records   KEYS[2] restoring: a nonce   KEYS[3] incarnation
-- ARGV[1] the nonce   ARGV[2] the mark that the store was found with, '' if none
-- ARGV[3] the nonce that it was found with, '' if none   ARGV[4] its new incarnation: grants of the old one are closed by their marks
--
-- Returns 1, or 0 if another process has begun or finished since.

local nonce_ttl_s = 86400
local incarnation_ttl_s = 30 * 86400

local mark = redis.call('HGET', KEYS[1], 'mark') or ''
local nonce = redis.call('GET', KEYS[2]) or ''
if mark ~= ARGV[2] or nonce ~= ARGV[3] then
  return 0
end
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[2], ARGV[1], 'EX', nonce_ttl_s)
redis.call('SET', KEYS[3], ARGV[4], 'EX', incarnation_ttl_s)
return 1

#!lua flags=no-writes
--[[
  Lists the sessions of a holder that have not ended.

  KEYS[1] index      sorted set of the holder's sessions
  ARGV[1] what the keys of sessions begin with

  Returns a list of {hash, browser, opened (ms), used (ms), ends (ms)}, the one that ends first first.
]]
local sessions = {}
for _, hash in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local found = redis.call('HMGET', ARGV[1] .. hash, 'browser', 'opened', 'used', 'ends')
  if found[1] then sessions[#sessions + 1] = { hash, found[1], found[2], found[3], found[4] } end
end
return sessions

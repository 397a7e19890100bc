#!lua flags=no-writes
--[[
  The newest entry of the audit trail.

  KEYS[1] audit  stream: h the entry's hash, e its text

  Returns {store clock in ms, how many there are, its hash, its text}; both '' if there is none.
]]
-- include: ../store/lua/now.lua
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
if not newest then return { now_text, '0', '', '' } end
return { now_text, tostring(redis.call('XLEN', KEYS[1])), newest[2][2], newest[2][4] }

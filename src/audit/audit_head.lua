#!lua flags=no-writes
--[[
  The newest entry of the audit trail.

  KEYS[1] audit  stream: h the entry's hash, e its text
  KEYS[2] records, if there are any: nothing is changed in a store that has lost its data

  Returns {store clock in ms, how many there are, its hash, its text}; both '' if there is none.
]]
-- include: ../store/lua/now.lua
-- include: ../store/lua/has_forgotten.lua
if has_forgotten(KEYS[2]) then return redis.error_reply(forgotten) end
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
if not newest then return { now_text, '0', '', '' } end
return { now_text, tostring(redis.call('XLEN', KEYS[1])), newest[2][2], newest[2][4] }

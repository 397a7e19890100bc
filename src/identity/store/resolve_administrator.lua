#!lua flags=no-writes
--[[
  The administrator behind a secret, in one trip.

  KEYS[1] admins         hash: administrator id -> JSON
  KEYS[2] admin secrets  hash: secret hash -> administrator id, and administrator id -> secret hash
  KEYS[3] records, if there are any: then nobody is unknown in a store that has lost its data
  ARGV[1] secret hash

  Returns {store clock in ms, administrator JSON}; the clock alone when there is none.
]]
-- include: ../../store/lua/now.lua
-- include: ../../store/lua/has_forgotten.lua
local id = redis.call('HGET', KEYS[2], ARGV[1])
local record = id and redis.call('HGET', KEYS[1], id)
if record then return { now_text, record } end
return has_forgotten(KEYS[3]) and redis.error_reply(forgotten) or { now_text }

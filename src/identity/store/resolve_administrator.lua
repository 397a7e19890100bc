#!lua flags=no-writes
--[[
  The administrator behind a secret, in one trip.

  KEYS[1] admins         hash: administrator id -> JSON
  KEYS[2] admin secrets  hash: secret hash -> administrator id, and administrator id -> secret hash
  ARGV[1] secret hash

  Returns {store clock in ms, administrator JSON}; the clock alone when there is none.
]]
-- include: ../../store/lua/now.lua
local id = redis.call('HGET', KEYS[2], ARGV[1])
if not id then return { now_text } end
local record = redis.call('HGET', KEYS[1], id)
if not record then return { now_text } end
return { now_text, record }

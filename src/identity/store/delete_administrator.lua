#!lua flags=allow-oom
--[[
  Removes an administrator and unbinds its secret, in one step.

  KEYS[1] admins         hash: administrator id -> JSON
  KEYS[2] admin secrets  hash: secret hash -> administrator id, and administrator id -> secret hash
  ARGV[1] administrator id

  Returns 1 when removed, 0 when there is none.
]]
local id = ARGV[1]
if redis.call('HDEL', KEYS[1], id) == 0 then return 0 end
local secret = redis.call('HGET', KEYS[2], id)
if secret then redis.call('HDEL', KEYS[2], id, secret) end
return 1

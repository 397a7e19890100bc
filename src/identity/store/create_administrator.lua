#!lua
--[[
  Stores a new administrator. Without allow-oom: a full store refuses.

  KEYS[1] admins         hash: administrator id -> JSON
  KEYS[2] admin secrets  hash: secret hash -> administrator id, and administrator id -> secret hash
  ARGV[1] administrator id
  ARGV[2] administrator JSON
  ARGV[3] secret hash

  Returns created | exists.
]]
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 'exists' end
if redis.call('HEXISTS', KEYS[2], ARGV[3]) == 1 then return 'exists' end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('HSET', KEYS[2], ARGV[3], ARGV[1], ARGV[1], ARGV[3])
return 'created'

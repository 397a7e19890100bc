#!lua
--[[
  Changes a webhook. Without allow-oom: a full store refuses.

  KEYS[1] webhooks  hash: webhook id -> JSON
  ARGV[1] webhook id
  ARGV[2] the JSON it must still have
  ARGV[3] the JSON it gets

  Returns 1 when changed, 0 on a conflict.
]]
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1

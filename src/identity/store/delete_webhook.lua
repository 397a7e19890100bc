#!lua flags=allow-oom
--[[
  Removes a webhook, with what it was still to get and the log of what it got.

  KEYS[1] webhooks     hash: webhook id -> JSON
  KEYS[2] undelivered, KEYS[3] due, KEYS[4] deliveries, of this webhook
  ARGV[1] webhook id
  ARGV[2] the JSON it must still have

  Returns 1 when removed, 0 on a conflict.
]]
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('DEL', KEYS[2], KEYS[3], KEYS[4])
return 1

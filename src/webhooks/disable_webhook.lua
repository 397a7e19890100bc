#!lua flags=allow-oom
--[[
  Ends the deliveries to a webhook; what waits for it stays. Its audit entry and its event are written in the same step
  (src/audit/audited.lua).

  KEYS[1] lease  hash, with the fence   KEYS[2] webhooks  hash: webhook id -> JSON
  ARGV[1] webhook id   ARGV[2] fence   ARGV[3] the JSON it must still have   ARGV[4] the new JSON

  Returns 1 when disabled; 0 if the lease was lost or the webhook has changed.
]]
-- include: ../store/lua/holds_lease.lua
if not holds_lease(KEYS[1], ARGV[2]) then return 0 end
if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[3] then return 0 end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[4])
return 1

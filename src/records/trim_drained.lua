#!lua flags=allow-oom
--[[
  Takes from the store all entries that are drained, and the audit trail up to the last drained element, which stays: the
  chain goes on from it. Used when what Postgres has was changed.

  KEYS[1] records: hash   KEYS[2] entries   KEYS[3] audit

  Returns 1.
]]
local known = redis.call('HMGET', KEYS[1], 'entries', 'audit')

if known[1] then
  local ms, seq = string.match(known[1], '^(%d+)%-(%d+)$')
  redis.call('XTRIM', KEYS[2], 'MINID', string.format('%s-%.0f', ms, tonumber(seq) + 1))
end

local last = known[2] and redis.call('XREVRANGE', KEYS[3], known[2], '-', 'COUNT', 2) or {}
local anchor = last[2]
if anchor then
  local sequence = string.match(anchor[2][4], '"sequence":(%d+)')
  if sequence then
    redis.call('XTRIM', KEYS[3], 'MINID', last[1][1])
    redis.call('HSET', KEYS[1], 'anchor_sequence', sequence, 'anchor_hash', anchor[2][2])
  end
end
return 1

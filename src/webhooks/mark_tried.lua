#!lua flags=allow-oom
--[[
  Notes what a try has come to.

  KEYS[1] lease  hash, with the fence   KEYS[2] undelivered  hash: event id -> tries, type, team or '-', data;
  'trouble' -> failures in a row, since when (ms), until when the webhook rests (ms)
  KEYS[3] due    sorted set: event id -> when it is tried next, ms   KEYS[4] delivery log  stream

  ARGV[1] fence   ARGV[2] event id   ARGV[3] what becomes of the event: 'delivered', 'retry', 'given_up'
  ARGV[4] 'retry': after how long, ms   ARGV[5] unless it is delivered: for how long the webhook rests, ms
  ARGV[6] status of the answer, or ''   ARGV[7] the word of the error, or ''   ARGV[8] how long the try took, ms

  Returns 1; 0, with nothing changed, if the lease was lost or the event waits no more.
]]
-- include: ../store/lua/now.lua
-- include: ../store/lua/holds_lease.lua
-- include: ./log_delivery_line.lua

local kept_s = 7 * 86400
local undelivered, due, id, becomes = KEYS[2], KEYS[3], ARGV[2], ARGV[3]

if not holds_lease(KEYS[1], ARGV[1]) then return 0 end
local text = redis.call('HGET', undelivered, id)
if not text then return 0 end
local tries, type, rest = string.match(text, '^(%d+) (%S+) (.*)$')
local try = string.format('%d', tries + 1)

local function later(ms)
  return string.format('%.0f', now + tonumber(ms))
end

local next_at = becomes == 'retry' and later(ARGV[4]) or ''
if becomes == 'retry' then
  redis.call('HSET', undelivered, id, try .. ' ' .. type .. ' ' .. rest)
  redis.call('ZADD', due, next_at, id)
else
  redis.call('HDEL', undelivered, id)
  redis.call('ZREM', due, id)
end
if becomes == 'delivered' then
  redis.call('HDEL', undelivered, 'trouble')
else
  local trouble = redis.call('HGET', undelivered, 'trouble') or ''
  local failures, since = string.match(trouble, '^(%d+) (%d+) ')
  redis.call('HSET', undelivered, 'trouble',
    string.format('%d %s %s', (failures or 0) + 1, since or now_text, later(ARGV[5])))
end
redis.call('EXPIRE', undelivered, kept_s)
redis.call('EXPIRE', due, kept_s)
log_delivery_line(KEYS[4], {
  event = id, type = type, try = try, outcome = becomes,
  status = ARGV[6], error = ARGV[7], duration = ARGV[8], count = 1, next = next_at,
})
return 1

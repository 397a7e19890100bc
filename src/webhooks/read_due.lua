#!lua flags=no-writes
--[[
  What waits for webhooks, and what of it is to be tried now.

  KEYS[1] lease  hash, with the fence   then for each webhook: undelivered (hash), due (sorted set)
  ARGV[1] fence of who wants to send; '' if nobody does

  Returns the store's clock (ms), then for each webhook: how many events wait; the first that is due, its text and when it
  was due (ms), all '' if none is, if the webhook rests, or
  if the lease was lost; its trouble, '' for none.
]]
-- include: ../store/lua/now.lua
-- include: ../store/lua/holds_lease.lua

local may_send = ARGV[1] == '' or holds_lease(KEYS[1], ARGV[1])

local reply = { now_text }
for n = 2, #KEYS, 2 do
  local undelivered, due = KEYS[n], KEYS[n + 1]
  local trouble = redis.call('HGET', undelivered, 'trouble') or ''
  local waiting = redis.call('HLEN', undelivered) - (trouble == '' and 0 or 1)
  local first = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')
  local rests_until = tonumber(string.match(trouble, ' (%d+)$') or 0)
  local text = ''
  if may_send and first[1] and tonumber(first[2]) <= now and rests_until <= now then
    text = redis.call('HGET', undelivered, first[1]) or ''
  end
  local is_due = text ~= ''
  reply[#reply + 1] = waiting
  reply[#reply + 1] = is_due and first[1] or ''
  reply[#reply + 1] = text
  reply[#reply + 1] = is_due and first[2] or ''
  reply[#reply + 1] = trouble
end
return reply

#!lua flags=allow-oom
--[[
  Makes all that waits for a webhook due now, as if it had not been tried.

  KEYS[1] undelivered  hash: event id -> tries, type, team or '-', data; 'trouble'   KEYS[2] due  sorted set

  Returns how many events wait.
]]
-- include: ../store/lua/now.lua

redis.call('HDEL', KEYS[1], 'trouble')
local fields = redis.call('HGETALL', KEYS[1])
for n = 1, #fields, 2 do
  local rest = string.match(fields[n + 1], '^%d+ (.*)$')
  redis.call('HSET', KEYS[1], fields[n], '0 ' .. rest)
  redis.call('ZADD', KEYS[2], now_text, fields[n])
end
return #fields / 2

#!lua flags=allow-oom
--[[
  Tells an event if it changes the state of something. Many processes see the same change; the first one tells it.

  KEYS[1] outbox  stream: t type, m team or '', d data
  KEYS[2] states  hash: what has a state -> the state, since when, and when it was last said (ms), a space between them
  ARGV[1] what has the state   ARGV[2] the state it must have, '' for none; '*': any but the one it gets
  ARGV[3] the state it gets, '' for none   ARGV[4] type   ARGV[5] team or ''
  ARGV[6] a field of the data that gets for how long the state before was there, s; '' for none
  ARGV[7] for how long the state before must have been there, ms   ARGV[8] data, JSON

  Returns 1 if it is told, 0 if the state is another one or too new. A state that is said again is not told, but noted: one
  that nobody has said for half an hour counts as none, since the process that knew of it may have died.
]]
-- include: ../store/lua/now.lua
-- include: ../store/lua/tell.lua

local states_ttl_s = 30 * 86400
local silent_ms = 1800000

local known = redis.call('HGET', KEYS[2], ARGV[1])
local before, since, said = string.match(known or '', '^(%S+) (%d+) (%d+)$')
if not before or (ARGV[2] == '*' and now - tonumber(said) >= silent_ms) then
  before, since = '', now_text
end
if before == ARGV[3] and before ~= '' then
  redis.call('HSET', KEYS[2], ARGV[1], table.concat({ before, since, now_text }, ' '))
end
since = tonumber(since)
if before == ARGV[3] or (ARGV[2] ~= '*' and before ~= ARGV[2]) then return 0 end
if before ~= '' and now - since < tonumber(ARGV[7]) then return 0 end

if ARGV[3] == '' then
  redis.call('HDEL', KEYS[2], ARGV[1])
else
  redis.call('HSET', KEYS[2], ARGV[1], table.concat({ ARGV[3], now_text, now_text }, ' '))
  redis.call('EXPIRE', KEYS[2], states_ttl_s)
end
local data = ARGV[8]
if ARGV[6] ~= '' then
  local seconds = math.max(0, math.floor((now - since) / 1000))
  data = string.format('%s,"%s":%d}', string.sub(data, 1, -2), ARGV[6], seconds)
end
tell(KEYS[1], ARGV[4], ARGV[5], data)
return 1

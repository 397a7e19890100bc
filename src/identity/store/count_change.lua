#!lua flags=allow-oom
--[[
  Counts a change that somebody asks for, unless there were too many. allow-oom: what narrows is counted and must work
  in a full store. It is one small key for each administrator and team, and it expires.

  KEYS[1] changes    hash: minute and count, day and day_count
  ARGV[1] most a minute   ARGV[2] most a day; '' for no bound

  Returns {now (ms), counted | minute | day, when the next one is allowed (ms)}.
]]
local minute_ms, day_ms = 60000, 86400000

-- include: ../../store/lua/now.lua
local minute, day = math.floor(now / minute_ms), math.floor(now / day_ms)
local tally = redis.call('HMGET', KEYS[1], 'minute', 'count', 'day', 'day_count')
local count = tonumber(tally[1] or -1) == minute and tonumber(tally[2]) or 0
local day_count = tonumber(tally[3] or -1) == day and tonumber(tally[4]) or 0

local function reply(kind, free_at)
  return { now_text, kind, string.format('%.0f', free_at) }
end

if ARGV[2] ~= '' and day_count >= tonumber(ARGV[2]) then return reply('day', (day + 1) * day_ms) end
if count >= tonumber(ARGV[1]) then return reply('minute', (minute + 1) * minute_ms) end
redis.call('HSET', KEYS[1], 'minute', minute, 'count', count + 1, 'day', day, 'day_count', day_count + 1)
redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', (day + 1) * day_ms))
return reply('counted', 0)

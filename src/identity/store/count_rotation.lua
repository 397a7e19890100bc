#!lua
--[[
  Counts a rotation that a token's holder asks for. Without allow-oom: what cannot be counted is not done.

  KEYS[1] rotations  string: 'start (ms) count'; the hour begins with the first one
  ARGV[1] most an hour

  Returns {now (ms), 1 counted or 0 too many, when the hour is over (ms)}.
]]
local hour_ms = 3600000

-- include: ../../store/lua/now.lua
local start, count = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (%d+)$')
start, count = tonumber(start or 0), tonumber(count or 0)
if now - start >= hour_ms then
  start, count = now, 0
end

local ok = count < tonumber(ARGV[1])
if ok then
  redis.call('SET', KEYS[1], string.format('%.0f %.0f', start, count + 1), 'PX', start + hour_ms - now)
end
return { now_text, ok and 1 or 0, string.format('%.0f', start + hour_ms) }

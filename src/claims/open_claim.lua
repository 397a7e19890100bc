#!lua flags=allow-oom
--[[
  Marks what is sealed under a code as taken out, once, and tells it. That it was opened is remembered for a day.

  KEYS[1] claim      string: what is sealed, or 'opened time (ms)'
  KEYS[2] outbox
  ARGV[1] type of the event   ARGV[2] team   ARGV[3] data, JSON

  Returns {'claimed'} | {'opened', time (ms)} | {'none'}.
]]
local memory_ms = 86400000

local text = redis.call('GET', KEYS[1])
if not text then return { 'none' } end
local opened = string.match(text, '^opened (%d+)$')
if opened then return { 'opened', opened } end
-- include: ../store/lua/now.lua
-- include: ../store/lua/tell.lua
redis.call('SET', KEYS[1], 'opened ' .. now_text, 'PX', memory_ms)
tell(KEYS[2], ARGV[1], ARGV[2], ARGV[3])
return { 'claimed' }

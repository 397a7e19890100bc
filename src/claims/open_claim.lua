#!lua flags=allow-oom
--[[
  Takes what is sealed under a code out, once. That it was opened is remembered for a day.

  KEYS[1] claim      string: what is sealed, or 'opened time (ms)'

  Returns {'sealed', text} | {'opened', time (ms)} | {'none'}.
]]
local memory_ms = 86400000

local text = redis.call('GET', KEYS[1])
if not text then return { 'none' } end
local opened = string.match(text, '^opened (%d+)$')
if opened then return { 'opened', opened } end
-- include: ../store/lua/now.lua
redis.call('SET', KEYS[1], 'opened ' .. now_text, 'PX', memory_ms)
return { 'sealed', text }

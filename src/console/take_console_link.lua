#!lua flags=allow-oom
--[[
  Takes a link to the console: it works once.

  KEYS[1] link       string: holder JSON

  Returns the holder, or nil if there is none.
]]
local holder = redis.call('GET', KEYS[1])
if holder then redis.call('DEL', KEYS[1]) end
return holder

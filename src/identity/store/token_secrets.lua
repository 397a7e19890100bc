#!lua flags=no-writes
--[[
  The secrets that are bound to a token.

  KEYS[1] secrets    hash: secret hash -> team/token id, and team/token id -> its secret hashes
  ARGV[1] team/token id

  Returns {store clock in ms, the hashes, newest first, with spaces between}.
]]
-- include: ../../store/lua/now.lua
return { now_text, redis.call('HGET', KEYS[1], ARGV[1]) or '' }

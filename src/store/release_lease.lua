#!lua flags=allow-oom
--[[
  Gives a lease up, so that another process can take it at once. The fence stays.

  KEYS[1] lease  hash: owner, until (ms), fence   ARGV[1] who has it

  Returns 1, or 0 if another one has it.
]]
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'owner', '', 'until', '0')
return 1

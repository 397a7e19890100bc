#!lua flags=allow-oom
--[[
  Compare and swap of the settings: with them moves what every team's epoch ends in.

  KEYS[1] settings   string: JSON
  KEYS[2] epochs     hash: team id -> epoch, '@' -> the settings' own
  ARGV[1] the JSON it must still have; '' for none
  ARGV[2] the JSON it gets
  ARGV[3] the settings' new epoch

  Returns 1 when replaced, 0 on a conflict.
]]
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
redis.call('HSET', KEYS[2], '@', ARGV[3])
return 1

#!lua flags=allow-oom
--[[
  Compare and swap of a record.

  KEYS[1] the hash the record is in: teams, the team's users, or the team's tokens
  KEYS[2] epochs     hash: team id -> epoch
  ARGV[1] team id
  ARGV[2] record id
  ARGV[3] the JSON it must still have
  ARGV[4] the JSON it gets
  ARGV[5] the team's new epoch
  ARGV[6] the address, ARGV[7] the account that no other user of the team may have (see taken_field)

  Returns 1 when replaced, 0 on a conflict (changed meanwhile, or gone), email_taken, subject_taken.
]]
-- include: ./taken_field.lua
if redis.call('HGET', KEYS[1], ARGV[2]) ~= ARGV[3] then return 0 end
local taken = taken_field(KEYS[1], ARGV[2], ARGV[6], ARGV[7])
if taken then return taken end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[4])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[5])
return 1

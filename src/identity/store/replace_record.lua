#!lua
--[[
  Replaces a record. Without allow-oom: a full store refuses.

  KEYS[1] the hash the record is in: teams, the team's users, or the team's tokens
  KEYS[2] epochs     hash: team id -> epoch
  ARGV[1] team id
  ARGV[2] record id
  ARGV[3] the JSON it must still have
  ARGV[4] the JSON it gets
  ARGV[5] the team's new epoch
  ARGV[6] the address, ARGV[7] the account that no other user of the team may have (see taken_field)
  ARGV[8] most bytes of all records in the hash; '' for no bound

  Returns 1 when replaced, 0 on a conflict (changed meanwhile, or gone), email_taken, subject_taken, full if it grows
  and there is no room.
]]
-- include: ./swap_record.lua

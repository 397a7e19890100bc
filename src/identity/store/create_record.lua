#!lua
--[[
  Stores a new team, user or token. Without allow-oom: a full store refuses.

  KEYS[1] the hash the record goes into: teams, the team's users, or the team's tokens
  KEYS[2] teams      hash: team id -> JSON
  KEYS[3] epochs     hash: team id -> epoch
  KEYS[4] users      hash: user id -> JSON, of this team
  KEYS[5] secrets    hash: secret hash -> team/token id, and team/token id -> its secret hashes
  ARGV[1] kind: team | user | token
  ARGV[2] team id
  ARGV[3] record id
  ARGV[4] record JSON
  ARGV[5] the team's new epoch
  ARGV[6] secret hash (token only)
  ARGV[7] user id (token only)
  ARGV[8] the address, ARGV[9] the account that no other user of the team may have (user only; see taken_field)
  ARGV[10] most users or tokens of a team   ARGV[11] most bytes of them

  Returns created | exists | no_team | no_user | email_taken | subject_taken | full.
]]
-- include: ./taken_field.lua
-- include: ./bytes_in.lua
local kind, team, id = ARGV[1], ARGV[2], ARGV[3]
if kind ~= 'team' and redis.call('HEXISTS', KEYS[2], team) == 0 then return 'no_team' end
if kind == 'token' and redis.call('HEXISTS', KEYS[4], ARGV[7]) == 0 then return 'no_user' end
if redis.call('HEXISTS', KEYS[1], id) == 1 then return 'exists' end
local taken = taken_field(KEYS[4], id, ARGV[8], ARGV[9])
if taken then return taken end
if kind == 'token' and redis.call('HEXISTS', KEYS[5], ARGV[6]) == 1 then return 'exists' end
if kind ~= 'team' then
  if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[10]) then return 'full' end
  if bytes_in(KEYS[1]) + #ARGV[4] > tonumber(ARGV[11]) then return 'full' end
end
if kind == 'token' then
  redis.call('HSET', KEYS[5], ARGV[6], team .. '/' .. id, team .. '/' .. id, ARGV[6])
end
redis.call('HSET', KEYS[1], id, ARGV[4])
redis.call('HSET', KEYS[3], team, ARGV[5])
return 'created'

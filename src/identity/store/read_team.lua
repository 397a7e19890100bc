#!lua flags=no-writes
--[[
  Everything of a team at one moment, for an export or an import.

  KEYS[1] teams      hash: team id -> JSON
  KEYS[2] users      hash: user id -> JSON, of this team
  KEYS[3] tokens     hash: token id -> JSON, of this team
  KEYS[4] secrets    hash: secret hash -> team/token id, and team/token id -> its secret hashes
  KEYS[5] epochs     hash: team id -> epoch
  ARGV[1] team id

  Returns nil if there is no such team, else {team JSON, {user id, JSON, ...}, {token id, JSON, its secret
  hashes with a space between, ...}, epoch}.
]]
local team_text = redis.call('HGET', KEYS[1], ARGV[1])
if not team_text then return nil end

local tokens, n = {}, 0
local pairs_of = redis.call('HGETALL', KEYS[3])
for i = 1, #pairs_of, 2 do
  tokens[n + 1] = pairs_of[i]
  tokens[n + 2] = pairs_of[i + 1]
  tokens[n + 3] = redis.call('HGET', KEYS[4], ARGV[1] .. '/' .. pairs_of[i]) or ''
  n = n + 3
end
return { team_text, redis.call('HGETALL', KEYS[2]), tokens, redis.call('HGET', KEYS[5], ARGV[1]) or '' }

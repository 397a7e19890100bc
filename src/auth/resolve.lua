#!lua flags=no-writes
--[[
  What a secret stands for, in one trip.

  KEYS[1] secrets    hash: secret hash -> team/token id, and team/token id -> secret hash
  KEYS[2] teams      hash: team id -> JSON
  KEYS[3] epochs     hash: team id -> epoch
  ARGV[1] secret hash
  ARGV[2] users key of the team '' (the team's id is appended: one primary, no cluster)
  ARGV[3] tokens key of the team '' (likewise)

  Returns {team JSON, user JSON, token JSON, epoch, store clock in ms}, or nil when any is missing.
]]
local bound = redis.call('HGET', KEYS[1], ARGV[1])
if not bound then return nil end
local team, id = string.match(bound, '^([^/]+)/(.+)$')
if not team then return nil end
local token_text = redis.call('HGET', ARGV[3] .. team, id)
if not token_text then return nil end
local user_text = redis.call('HGET', ARGV[2] .. team, cjson.decode(token_text).user)
local team_text = redis.call('HGET', KEYS[2], team)
local epoch = redis.call('HGET', KEYS[3], team)
if not user_text or not team_text or not epoch then return nil end

local time = redis.call('TIME')
return { team_text, user_text, token_text, epoch, time[1] * 1000 + math.floor(time[2] / 1000) }

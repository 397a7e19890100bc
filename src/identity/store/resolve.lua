#!lua flags=no-writes
--[[
  What a secret stands for, in one trip.

  KEYS[1] secrets    hash: secret hash -> team/token id, and team/token id -> its secret hashes
  KEYS[2] teams      hash: team id -> JSON
  KEYS[3] epochs     hash: team id -> epoch
  KEYS[4] settings   string: JSON
  KEYS[5] session    hash of the session that the secret names; absent for a user's token
  ARGV[1] secret hash
  ARGV[2] users key of the team '' (the team's id is appended: one primary, no cluster)
  ARGV[3] tokens key of the team '' (likewise)
  ARGV[4] records key; absent without records: then nobody is unknown in a store that has lost its data

  Returns {store clock in ms, team JSON, user JSON, token JSON, epoch, settings JSON or '', session JSON or ''}; the
  clock alone when anything is missing. The epoch is the team's and the settings', as admit.lua has it.
]]
-- include: ../../store/lua/now.lua
-- include: ../../store/lua/epoch_of.lua
-- include: ../../store/lua/has_forgotten.lua
local function unknown()
  return has_forgotten(ARGV[4]) and redis.error_reply(forgotten) or { now_text }
end

local bound, session_text = nil, ''
if KEYS[5] then
  local found = redis.call('HMGET', KEYS[5], 'secret', 'parent', 'record')
  if found[1] ~= ARGV[1] then return unknown() end
  bound, session_text = found[2], found[3]
  -- Its token ended with its user: one made again under the same id must not bring it back.
  if redis.call('HEXISTS', KEYS[1], bound) == 0 then return unknown() end
else
  bound = redis.call('HGET', KEYS[1], ARGV[1])
end
if not bound then return unknown() end
local team, id = string.match(bound, '^([^/]+)/(.+)$')
if not team then return unknown() end
local token_text = redis.call('HGET', ARGV[3] .. team, id)
if not token_text then return unknown() end
local user_text = redis.call('HGET', ARGV[2] .. team, cjson.decode(token_text).user)
local team_text = redis.call('HGET', KEYS[2], team)
local epoch = epoch_of(KEYS[3], team)
if not user_text or not team_text or not epoch then return unknown() end
return { now_text, team_text, user_text, token_text, epoch, redis.call('GET', KEYS[4]) or '', session_text }

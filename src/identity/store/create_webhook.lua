#!lua
--[[
  Stores a new webhook. Without allow-oom: a full store refuses.

  KEYS[1] webhooks  hash: webhook id -> JSON
  KEYS[2] teams     hash: team id -> JSON
  ARGV[1] webhook id
  ARGV[2] team id; '' for the gateway
  ARGV[3] most webhooks of the team, or of the gateway
  ARGV[4] webhook JSON

  Returns created | exists | no_team | full.
]]
-- include: ./team_of_webhook.lua
local id, team = ARGV[1], ARGV[2]
if team ~= '' and redis.call('HEXISTS', KEYS[2], team) == 0 then return 'no_team' end
if redis.call('HEXISTS', KEYS[1], id) == 1 then return 'exists' end
local others = 0
for _, text in ipairs(redis.call('HVALS', KEYS[1])) do
  if team_of_webhook(text) == team then others = others + 1 end
end
if others >= tonumber(ARGV[3]) then return 'full' end
redis.call('HSET', KEYS[1], id, ARGV[4])
return 'created'

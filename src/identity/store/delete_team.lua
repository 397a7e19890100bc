#!lua flags=allow-oom
--[[
  Removes a team with its users, tokens, secrets and webhooks. Its epoch goes too: no cached identity equals no epoch.

  KEYS[1] teams      hash: team id -> JSON
  KEYS[2] epochs     hash: team id -> epoch
  KEYS[3] users      hash: user id -> JSON, of this team
  KEYS[4] tokens     hash: token id -> JSON, of this team
  KEYS[5] secrets    hash: secret hash -> team/token id, and team/token id -> its secret hashes
  KEYS[6] used       hash: token id -> when its secrets were used, of this team
  KEYS[7] webhooks   hash: webhook id -> JSON, of all teams
  ARGV[1] team id
  ARGV[2] the JSON it must still have; '' for whatever it is
  ARGV[3..5] undelivered, due and deliveries keys of the webhook '' (one primary, no cluster)

  Returns 1 when removed, 0 when there is no such team or it has changed.
]]
-- include: ../../store/lua/unbind.lua
-- include: ./team_of_webhook.lua
local team, expected = ARGV[1], ARGV[2]
local current = redis.call('HGET', KEYS[1], team)
if not current or (expected ~= '' and current ~= expected) then return 0 end

for _, token in ipairs(redis.call('HKEYS', KEYS[4])) do
  unbind(KEYS[5], team .. '/' .. token)
end
local webhooks = redis.call('HGETALL', KEYS[7])
for i = 1, #webhooks, 2 do
  local id = webhooks[i]
  if team_of_webhook(webhooks[i + 1]) == team then
    redis.call('HDEL', KEYS[7], id)
    redis.call('DEL', ARGV[3] .. id, ARGV[4] .. id, ARGV[5] .. id)
  end
end
redis.call('DEL', KEYS[3], KEYS[4], KEYS[6])
redis.call('HDEL', KEYS[1], team)
redis.call('HDEL', KEYS[2], team)
return 1

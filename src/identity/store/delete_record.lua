#!lua flags=allow-oom
--[[
  Removes a user or a token, if it still is what the caller saw. The secrets of a removed token, or of all
  tokens of a removed user, are unbound in the same step: a user made again under the same id must not
  bring old tokens back to life.

  KEYS[1] the hash the record is in: the team's users or the team's tokens
  KEYS[2] epochs     hash: team id -> epoch
  KEYS[3] tokens     hash: token id -> JSON, of this team
  KEYS[4] secrets    hash: secret hash -> team/token id, and team/token id -> its secret hashes
  KEYS[5] used       hash: token id -> when its secrets were used, of this team
  ARGV[1] kind: user | token
  ARGV[2] team id
  ARGV[3] record id
  ARGV[4] the JSON it must still have
  ARGV[5] the team's new epoch

  Returns 1 when removed, 0 on a conflict (changed meanwhile, or gone).
]]
local kind, team, id = ARGV[1], ARGV[2], ARGV[3]

-- include: ../../store/lua/unbind.lua

if redis.call('HGET', KEYS[1], id) ~= ARGV[4] then return 0 end
if kind == 'token' then
  unbind(KEYS[4], team .. '/' .. id)
  redis.call('HDEL', KEYS[5], id)
else
  local tokens = redis.call('HGETALL', KEYS[3])
  for i = 1, #tokens, 2 do
    if cjson.decode(tokens[i + 1]).user == id then unbind(KEYS[4], team .. '/' .. tokens[i]) end
  end
end
redis.call('HDEL', KEYS[1], id)
redis.call('HSET', KEYS[2], team, ARGV[5])
return 1

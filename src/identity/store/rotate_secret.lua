#!lua
--[[
  Gives a token a new secret, if its record still is what the caller saw. Without allow-oom: a full store refuses.

  KEYS[1] tokens     hash: token id -> JSON, of this team
  KEYS[2] epochs     hash: team id -> epoch
  KEYS[3] secrets    hash: secret hash -> team/token id, and team/token id -> its secret hashes, newest first
  ARGV[1] team id
  ARGV[2] token id
  ARGV[3] the JSON it must still have
  ARGV[4] the JSON it gets
  ARGV[5] the team's new epoch
  ARGV[6] hash of the new secret
  ARGV[7] most secrets that stay bound; older ones are forgotten

  Returns 1 when rotated, 0 on a conflict (changed meanwhile, or gone).
]]
local team, id, secret = ARGV[1], ARGV[2], ARGV[6]
if redis.call('HGET', KEYS[1], id) ~= ARGV[3] then return 0 end
if redis.call('HEXISTS', KEYS[3], secret) == 1 then return 0 end

local bound = team .. '/' .. id
local olds = redis.call('HGET', KEYS[3], bound)
-- Its user was removed: the token is dead, and must not come back to life.
if not olds then return 0 end
local kept = { secret }
for old in string.gmatch(olds, '%S+') do
  if #kept < tonumber(ARGV[7]) then
    kept[#kept + 1] = old
  else
    redis.call('HDEL', KEYS[3], old)
  end
end
redis.call('HSET', KEYS[3], secret, bound, bound, table.concat(kept, ' '))
redis.call('HSET', KEYS[1], id, ARGV[4])
redis.call('HSET', KEYS[2], team, ARGV[5])
return 1

#!lua
--[[
  Changes many records in one step, or none. Without allow-oom: a full store refuses, before anything is written.

  KEYS[1] teams      hash: team id -> JSON
  KEYS[2] epochs     hash: team id -> epoch
  KEYS[3] secrets    hash: secret hash -> team/token id, and team/token id -> its secret hashes
  KEYS[4] provenance hash: store, seen
  ARGV[1] users key of the team '' (the team's id is appended: one primary, no cluster)
  ARGV[2] tokens key of the team '' (likewise)
  ARGV[3] the new epoch of every team that is changed
  ARGV[4] SHA-1 of what `seen` must still be ('' where there is none), or - where it does not matter
  ARGV[5] what `seen` becomes; '' leaves it
  then seven a record: kind (team | user | token), team id, record id,
    SHA-1 of the JSON it must still have ('' where there must be none),
    its secret hashes as they must still be, the JSON it gets ('' leaves it), its secret hashes then.
    Secret hashes have a space between.

  Returns 1 when done, 0 on a conflict: something has changed, or a secret is another token's.
]]
local width, first = 7, 6

local function hash_of(i)
  local kind = ARGV[i]
  if kind == 'team' then return KEYS[1] end
  return ARGV[kind == 'user' and 1 or 2] .. ARGV[i + 1]
end

local function digest(text)
  return text and redis.sha1hex(text) or ''
end

if ARGV[4] ~= '-' and digest(redis.call('HGET', KEYS[4], 'seen')) ~= ARGV[4] then return 0 end
for i = first, #ARGV, width do
  if digest(redis.call('HGET', hash_of(i), ARGV[i + 2])) ~= ARGV[i + 3] then return 0 end
  if ARGV[i] == 'token' then
    local owner = ARGV[i + 1] .. '/' .. ARGV[i + 2]
    if (redis.call('HGET', KEYS[3], owner) or '') ~= ARGV[i + 4] then return 0 end
    if ARGV[i + 5] ~= '' then
      for secret in string.gmatch(ARGV[i + 6], '%S+') do
        if (redis.call('HGET', KEYS[3], secret) or owner) ~= owner then return 0 end
      end
    end
  end
end

local function bind(owner, before, after)
  if before == after then return end
  for secret in string.gmatch(before, '%S+') do redis.call('HDEL', KEYS[3], secret) end
  for secret in string.gmatch(after, '%S+') do redis.call('HSET', KEYS[3], secret, owner) end
  if after == '' then
    redis.call('HDEL', KEYS[3], owner)
  else
    redis.call('HSET', KEYS[3], owner, after)
  end
end

local touched = {}
for i = first, #ARGV, width do
  if ARGV[i + 5] ~= '' then
    local team, id = ARGV[i + 1], ARGV[i + 2]
    redis.call('HSET', hash_of(i), id, ARGV[i + 5])
    if ARGV[i] == 'token' then bind(team .. '/' .. id, ARGV[i + 4], ARGV[i + 6]) end
    touched[team] = true
  end
end
for team in pairs(touched) do redis.call('HSET', KEYS[2], team, ARGV[3]) end
if ARGV[5] ~= '' then redis.call('HSET', KEYS[4], 'seen', ARGV[5]) end
return 1

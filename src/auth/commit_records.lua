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
  ARGV[6] seven fields a record, each ended by a line feed: kind (team | user | token), team id, record id,
    SHA-1 of the JSON it must still have ('' where there must be none),
    its secret hashes as they must still be, the JSON it gets ('' leaves it), its secret hashes then.
    Secret hashes have a space between.

  Returns 1 when done, 0 on a conflict: something has changed, or a secret is another token's.
]]
local width = 7

local fields, n = {}, 0
for field in string.gmatch(ARGV[6], '([^\n]*)\n') do
  n = n + 1
  fields[n] = field
end

local function hash_of(i)
  local kind = fields[i]
  if kind == 'team' then return KEYS[1] end
  return ARGV[kind == 'user' and 1 or 2] .. fields[i + 1]
end

local function digest(text)
  return text and redis.sha1hex(text) or ''
end

if ARGV[4] ~= '-' and digest(redis.call('HGET', KEYS[4], 'seen')) ~= ARGV[4] then return 0 end
for i = 1, n, width do
  if digest(redis.call('HGET', hash_of(i), fields[i + 2])) ~= fields[i + 3] then return 0 end
  if fields[i] == 'token' then
    local owner = fields[i + 1] .. '/' .. fields[i + 2]
    if (redis.call('HGET', KEYS[3], owner) or '') ~= fields[i + 4] then return 0 end
    if fields[i + 5] ~= '' then
      for secret in string.gmatch(fields[i + 6], '%S+') do
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
for i = 1, n, width do
  if fields[i + 5] ~= '' then
    local team, id = fields[i + 1], fields[i + 2]
    redis.call('HSET', hash_of(i), id, fields[i + 5])
    if fields[i] == 'token' then bind(team .. '/' .. id, fields[i + 4], fields[i + 6]) end
    touched[team] = true
  end
end
for team in pairs(touched) do redis.call('HSET', KEYS[2], team, ARGV[3]) end
if ARGV[5] ~= '' then redis.call('HSET', KEYS[4], 'seen', ARGV[5]) end
return 1

#!lua
--[[
  Changes many records in one step, or none. Without allow-oom: a full store refuses, before anything is written.

  KEYS[1] epochs     hash: team id -> epoch
  KEYS[2] provenance hash: store, seen
  ARGV[1] the new epoch of every team that is changed
  ARGV[2] SHA-1 of what `seen` must still be ('' if there is none), or - if it does not matter
  ARGV[3] what `seen` becomes; '' leaves it
  ARGV[4] nine fields a record, each ended by a line feed:
    the hash it is in, and its id there ('': a string, not a hash; one primary, no cluster: they need not be in KEYS)
    the team whose epoch moves with it ('@' for the settings' own, which is part of every team's; '@prices' for that
    of the prices; '' for none)
    the hash its secrets are in: secret hash -> owner, and owner -> its secret hashes; '' if it has no secrets
    who owns its secrets: team/token id
    SHA-1 of the JSON it must still have ('' if there must be none), its secret hashes as they must still be
    the JSON it gets ('' leaves it), its secret hashes then. Secret hashes have a space between.
  ARGV[5] two fields a team, each ended by a line feed: its id, the epoch it must still have ('' for none)

  Returns 1 when done, 0 on a conflict: something has changed, or a secret is another's.
]]
local width = 9
-- include: ../../store/lua/fields_of.lua
local fields, n = fields_of(ARGV[4])

local function record_at(i)
  return {
    hash = fields[i], id = fields[i + 1], team = fields[i + 2],
    secrets = fields[i + 3], owner = fields[i + 4],
    found = fields[i + 5], bound = fields[i + 6],
    next = fields[i + 7], binds = fields[i + 8],
  }
end

local function digest(text)
  return text and redis.sha1hex(text) or ''
end

local function read(record)
  if record.id == '' then return redis.call('GET', record.hash) end
  return redis.call('HGET', record.hash, record.id)
end

local function write(record)
  if record.id == '' then
    redis.call('SET', record.hash, record.next)
  else
    redis.call('HSET', record.hash, record.id, record.next)
  end
end

local function fits(record)
  if digest(read(record)) ~= record.found then return false end
  if record.secrets == '' then return true end
  if (redis.call('HGET', record.secrets, record.owner) or '') ~= record.bound then return false end
  for secret in string.gmatch(record.binds, '%S+') do
    if (redis.call('HGET', record.secrets, secret) or record.owner) ~= record.owner then return false end
  end
  return true
end

local function bind(record)
  if record.secrets == '' or record.bound == record.binds then return end
  for secret in string.gmatch(record.bound, '%S+') do redis.call('HDEL', record.secrets, secret) end
  for secret in string.gmatch(record.binds, '%S+') do redis.call('HSET', record.secrets, secret, record.owner) end
  if record.binds == '' then
    redis.call('HDEL', record.secrets, record.owner)
  else
    redis.call('HSET', record.secrets, record.owner, record.binds)
  end
end

if ARGV[2] ~= '-' and digest(redis.call('HGET', KEYS[2], 'seen')) ~= ARGV[2] then return 0 end
for i = 1, n, width do
  if not fits(record_at(i)) then return 0 end
end
local epochs, epochs_n = fields_of(ARGV[5])
for i = 1, epochs_n, 2 do
  if (redis.call('HGET', KEYS[1], epochs[i]) or '') ~= epochs[i + 1] then return 0 end
end

local touched = {}
for i = 1, n, width do
  local record = record_at(i)
  if record.next ~= '' then
    write(record)
    bind(record)
    if record.team ~= '' then touched[record.team] = true end
  end
end
for team in pairs(touched) do redis.call('HSET', KEYS[1], team, ARGV[1]) end
if ARGV[3] ~= '' then redis.call('HSET', KEYS[2], 'seen', ARGV[3]) end
return 1

#!lua
--[[
  Stores a new session. Without allow-oom: a full store refuses.

  KEYS[1] session    hash: its secret, parent and record; the counters of its own limits come beside
  KEYS[2] epochs     hash: team id -> epoch, '@' -> that of the settings
  KEYS[3] live       sorted set: 'session id:bytes' -> expiry (ms), of this parent
  KEYS[4] minting    hash: minute and count of what the parent made, bytes of what is alive
  ARGV[1] session id
  ARGV[2] secret hash
  ARGV[3] parent: team/token id
  ARGV[4] record JSON
  ARGV[5] expiry (ms)
  ARGV[6] team       ARGV[7] the epoch the parent was read at
  ARGV[8] expiry of the parent (ms)
  ARGV[9] bytes it is reckoned to take
  ARGV[10] most a minute   ARGV[11] most bytes alive

  Returns {now (ms), kind, when there is room again (ms)}; kind: minted | stale | expired | minute | room.
]]
-- Longer than a session can live.
local index_ttl_s = 25 * 3600

local id, bytes = ARGV[1], tonumber(ARGV[9])
-- include: ../store/lua/now.lua
-- include: ../store/lua/epoch_of.lua

local function reply(kind, free_at)
  return { now_text, kind, string.format('%.0f', free_at or 0) }
end

if epoch_of(KEYS[2], ARGV[6]) ~= ARGV[7] then return reply('stale') end
if now >= tonumber(ARGV[8]) then return reply('expired') end

-- What has expired makes room.
local gone, freed = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now), 0
for _, member in ipairs(gone) do
  freed = freed + tonumber(string.match(member, ':(%d+)$'))
end
if #gone > 0 then
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
  redis.call('HINCRBY', KEYS[4], 'bytes', -freed)
  redis.call('EXPIRE', KEYS[4], index_ttl_s)
end

local minute = math.floor(now / 60000)
local tally = redis.call('HMGET', KEYS[4], 'minute', 'count', 'bytes')
local count = tonumber(tally[1] or -1) == minute and tonumber(tally[2]) or 0
if count >= tonumber(ARGV[10]) then return reply('minute', (minute + 1) * 60000) end
if tonumber(tally[3] or 0) + bytes > tonumber(ARGV[11]) then
  local first = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')
  return reply('room', tonumber(first[2] or now))
end

redis.call('HSET', KEYS[1], 'secret', ARGV[2], 'parent', ARGV[3], 'record', ARGV[4], 'member', id .. ':' .. bytes)
redis.call('PEXPIREAT', KEYS[1], ARGV[5])
redis.call('ZADD', KEYS[3], ARGV[5], id .. ':' .. bytes)
redis.call('HSET', KEYS[4], 'minute', minute, 'count', count + 1)
redis.call('HINCRBY', KEYS[4], 'bytes', bytes)
redis.call('EXPIRE', KEYS[3], index_ttl_s)
redis.call('EXPIRE', KEYS[4], index_ttl_s)
return reply('minted')

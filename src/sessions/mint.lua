#!lua
--[[
  Stores a new session. Without allow-oom: a full store refuses.

  KEYS[1] session    hash: its secret, parent and record; the counters of its own limits come beside
  KEYS[2] epochs     hash: team id -> epoch, '@' -> that of the settings
  KEYS[3] index      of the live sessions of this parent
  KEYS[4] tally      of the same, with the minute and count of what the parent made
  KEYS[5] index      of the live sessions of its team
  KEYS[6] tally      of the same
  ARGV[1] session id
  ARGV[2] secret hash
  ARGV[3] parent: team/token id
  ARGV[4] record JSON
  ARGV[5] expiry (ms)
  ARGV[6] team       ARGV[7] the epoch the parent was read at
  ARGV[8] expiry of the parent (ms)
  ARGV[9] bytes it is reckoned to take
  ARGV[10] most a minute   ARGV[11] most bytes alive, of the parent   ARGV[12] of its team

  Returns {now (ms), kind, when there is room again (ms)}; kind: minted | stale | expired | minute | room | team_room.
]]
local bytes = tonumber(ARGV[9])
-- include: ../store/lua/now.lua
-- include: ../store/lua/epoch_of.lua
-- include: live_sessions.lua

local function reply(kind, free_at)
  return { now_text, kind, string.format('%.0f', free_at or 0) }
end

if epoch_of(KEYS[2], ARGV[6]) ~= ARGV[7] then return reply('stale') end
if now >= tonumber(ARGV[8]) then return reply('expired') end

forget_expired(KEYS[3], KEYS[4], now)
forget_expired(KEYS[5], KEYS[6], now)

local minute = math.floor(now / 60000)
local made = redis.call('HMGET', KEYS[4], 'minute', 'count')
local count = tonumber(made[1] or -1) == minute and tonumber(made[2]) or 0
if count >= tonumber(ARGV[10]) then return reply('minute', (minute + 1) * 60000) end
local free_at = full_until(KEYS[3], KEYS[4], bytes, ARGV[11], now)
if free_at then return reply('room', free_at) end
free_at = full_until(KEYS[5], KEYS[6], bytes, ARGV[12], now)
if free_at then return reply('team_room', free_at) end

local member = ARGV[1] .. ':' .. bytes
redis.call('HSET', KEYS[1], 'secret', ARGV[2], 'parent', ARGV[3], 'record', ARGV[4], 'member', member)
redis.call('PEXPIREAT', KEYS[1], ARGV[5])
redis.call('HSET', KEYS[4], 'minute', minute, 'count', count + 1)
put_live(KEYS[3], KEYS[4], member, ARGV[5])
put_live(KEYS[5], KEYS[6], member, ARGV[5])
return reply('minted')

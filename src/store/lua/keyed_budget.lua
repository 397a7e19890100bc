-- Bounds what calls with an Idempotency-Key take, all together. What was written for a team is in its log, oldest first: a
-- stream of elements `i` id of the key, `g` grant, `b` bytes, `t` when (ms). Two sorted sets have how many bytes each team
-- takes, with '@' those of all, and when the oldest element of each team was written.
-- include: clock.lua
-- include: keyed.lua

local keyed_ttl_s = 3600
-- Bytes that a key takes besides its text, with its element in the log.
local keyed_bytes = 300
-- How much of what has expired goes with each call, at least.
local expired_each = 10

local function add_keyed_bytes(prefix, team, bytes)
  bytes = string.format('%.0f', bytes)
  redis.call('ZINCRBY', prefix .. 'taken', bytes, team)
  redis.call('ZINCRBY', prefix .. 'taken', bytes, '@')
end

-- A team that has no log takes nothing.
local function forget_team(prefix, team)
  local bytes = redis.call('ZSCORE', prefix .. 'taken', team)
  if not bytes then return end
  add_keyed_bytes(prefix, team, 0 - bytes)
  redis.call('ZREM', prefix .. 'taken', team)
  redis.call('ZREM', prefix .. 'oldest', team)
end

-- Takes the oldest element out of a team's log, and returns it; nil if there is none.
local function take_oldest(prefix, team)
  local log = prefix .. 'log:' .. team
  local first = redis.call('XRANGE', log, '-', '+', 'COUNT', 2)
  local oldest, after = first[1], first[2]
  if after then
    redis.call('XDEL', log, oldest[1])
    add_keyed_bytes(prefix, team, 0 - oldest[2][6])
    redis.call('ZADD', prefix .. 'oldest', after[2][8], team)
  else
    redis.call('DEL', log)
    forget_team(prefix, team)
  end
  return oldest
end

-- Takes an element that has expired, of whatever team. Returns whether there was one.
local function take_expired(prefix)
  local team, at = unpack(redis.call('ZRANGE', prefix .. 'oldest', 0, 0, 'WITHSCORES'))
  if not team or tonumber(at) > clock_ms() - keyed_ttl_s * 1000 then
    return false
  end
  take_oldest(prefix, team)
  return true
end

-- Notes what was written for a team.
local function note_keyed(prefix, team, id, keyed)
  local log, at = prefix .. 'log:' .. team, string.format('%.0f', clock_ms())
  local bytes = string.format('%d', keyed_bytes + #keyed_text(keyed))
  if redis.call('EXISTS', log) == 0 then
    forget_team(prefix, team)
    redis.call('ZADD', prefix .. 'oldest', at, team)
  end
  redis.call('XADD', log, '*', 'i', id, 'g', keyed.grant, 'b', bytes, 't', at)
  redis.call('EXPIRE', log, keyed_ttl_s)
  add_keyed_bytes(prefix, team, bytes)
  redis.call('EXPIRE', prefix .. 'taken', keyed_ttl_s)
  redis.call('EXPIRE', prefix .. 'oldest', keyed_ttl_s)
end

-- Drops the oldest of a team: its answer, or, if that is gone, the rest, which until then tells a second call of the first.
local function drop_keyed(prefix, team)
  local oldest = take_oldest(prefix, team)
  if not oldest then return end
  local id, grant = oldest[2][2], oldest[2][4]
  local keyed = keyed_in(redis.call('GET', prefix .. id))
  if not keyed or keyed.grant ~= grant then return end -- it has expired, or is tried again
  if keyed.state ~= 'k' then
    redis.call('DEL', prefix .. id)
    return
  end
  keyed.state, keyed.answer = 'u', ''
  redis.call('SET', prefix .. id, keyed_text(keyed), 'PXAT', redis.call('PEXPIRETIME', prefix .. id))
  note_keyed(prefix, team, id, keyed)
end

-- The team that takes most; nil if nobody takes anything. '@' takes as much or more.
local function heaviest_keyed(prefix)
  local second, first = unpack(redis.call('ZRANGE', prefix .. 'taken', -2, -1))
  return first == '@' and second or first
end

-- Makes room, first by what has expired. Then the oldest of the team that takes most goes: no team drives out what is
-- another's.
local function bound_keyed(prefix, max_bytes)
  for _ = 1, expired_each do
    if not take_expired(prefix) then break end
  end
  while tonumber(redis.call('ZSCORE', prefix .. 'taken', '@') or 0) > max_bytes do
    if not take_expired(prefix) then
      local team = heaviest_keyed(prefix)
      if not team then return end
      drop_keyed(prefix, team)
    end
  end
end

-- Bounds what calls with an Idempotency-Key take, all together. What was written for a team is in its log, oldest first: a
-- stream of elements `i` id of the key, `g` grant, `b` bytes, `t` when (ms). A hash has the bytes of each team, and as '@'
-- those of all.
-- include: clock.lua
-- include: keyed.lua

local keyed_ttl_s = 3600
-- Bytes that a key takes besides its text, with its element in the log.
local keyed_bytes = 300

local function add_keyed_bytes(prefix, team, bytes)
  bytes = string.format('%.0f', bytes)
  redis.call('HINCRBY', prefix .. 'bytes', team, bytes)
  redis.call('HINCRBY', prefix .. 'bytes', '@', bytes)
end

-- A team whose log has expired has nothing any more.
local function forget_keyed_bytes(prefix, team)
  local bytes = redis.call('HGET', prefix .. 'bytes', team)
  if not bytes then return end
  add_keyed_bytes(prefix, team, 0 - bytes)
  redis.call('HDEL', prefix .. 'bytes', team)
end

local function oldest_keyed(prefix, team, most)
  return redis.call('XRANGE', prefix .. 'log:' .. team, '-', '+', 'COUNT', most)
end

local function take_keyed(prefix, team, element)
  redis.call('XDEL', prefix .. 'log:' .. team, element[1])
  add_keyed_bytes(prefix, team, 0 - element[2][6])
end

-- Notes what was written for a team, and forgets some of what has expired meanwhile.
local function note_keyed(prefix, team, id, keyed)
  local log, at, bytes = prefix .. 'log:' .. team, clock_ms(), keyed_bytes + #keyed_text(keyed)
  if redis.call('EXISTS', log) == 0 then
    forget_keyed_bytes(prefix, team)
  end
  for _, element in ipairs(oldest_keyed(prefix, team, 10)) do
    if tonumber(element[2][8]) > at - keyed_ttl_s * 1000 then break end
    take_keyed(prefix, team, element)
  end
  bytes, at = string.format('%d', bytes), string.format('%.0f', at)
  redis.call('XADD', log, '*', 'i', id, 'g', keyed.grant, 'b', bytes, 't', at)
  redis.call('EXPIRE', log, keyed_ttl_s)
  add_keyed_bytes(prefix, team, bytes)
  redis.call('EXPIRE', prefix .. 'bytes', keyed_ttl_s)
end

-- Drops the oldest of a team: its answer, or, if that is gone, the rest, which until then tells a second call of the first.
local function drop_keyed(prefix, team)
  local oldest = oldest_keyed(prefix, team, 1)[1]
  if not oldest then
    return forget_keyed_bytes(prefix, team)
  end
  take_keyed(prefix, team, oldest)
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

-- The team that takes most; nil if nobody takes anything.
local function heaviest_keyed(prefix)
  local sums, heaviest, most = redis.call('HGETALL', prefix .. 'bytes'), nil, 0
  for n = 1, #sums, 2 do
    local bytes = tonumber(sums[n + 1])
    if sums[n] ~= '@' and bytes > most then
      heaviest, most = sums[n], bytes
    end
  end
  return heaviest
end

-- Drops what is oldest of the team that takes most, until all fit: so no team drives out what is another's.
local function bound_keyed(prefix, max_bytes)
  while tonumber(redis.call('HGET', prefix .. 'bytes', '@') or 0) > max_bytes do
    local team = heaviest_keyed(prefix)
    if not team then return end
    drop_keyed(prefix, team)
  end
end

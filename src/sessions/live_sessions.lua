-- The live sessions of a token, or of a team: an index, a sorted set of 'session id:bytes' by expiry (ms), and a tally, a
-- hash with the sum of those bytes.

-- Longer than a session can live.
local index_ttl_s = 25 * 3600

local function bytes_of(member)
  return tonumber(string.match(member, ':(%d+)$'))
end

local function team_of(parent)
  return string.match(parent, '^[^/]+')
end

-- A tally that is gone stays so: it would not expire.
local function give_back(tally, bytes)
  if bytes > 0 and redis.call('EXISTS', tally) == 1 then
    redis.call('HINCRBY', tally, 'bytes', -bytes)
  end
end

-- What has expired makes room.
local function forget_expired(index, tally, now)
  local gone, freed = redis.call('ZRANGEBYSCORE', index, '-inf', now), 0
  for _, member in ipairs(gone) do
    freed = freed + bytes_of(member)
  end
  if #gone > 0 then
    redis.call('ZREMRANGEBYSCORE', index, '-inf', now)
    give_back(tally, freed)
  end
end

-- Nil if there is room, else when the first of those alive expires (ms).
local function full_until(index, tally, bytes, max_bytes, now)
  if tonumber(redis.call('HGET', tally, 'bytes') or 0) + bytes <= tonumber(max_bytes) then
    return nil
  end
  return tonumber(redis.call('ZRANGE', index, 0, 0, 'WITHSCORES')[2] or now)
end

local function put_live(index, tally, member, expires_at)
  redis.call('ZADD', index, expires_at, member)
  redis.call('HINCRBY', tally, 'bytes', bytes_of(member))
  redis.call('EXPIRE', index, index_ttl_s)
  redis.call('EXPIRE', tally, index_ttl_s)
end

-- Takes a session out of an index. One that an earlier version made may not be in it.
local function drop_live(index, tally, member)
  if redis.call('ZREM', index, member) == 1 then
    give_back(tally, bytes_of(member))
  end
end

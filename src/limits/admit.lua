#!lua
-- Admits requests of one process. Each request reserves from all of its limits or from none.
--
-- KEYS[1] processes: sorted set, process id by last heartbeat (ms)
-- KEYS[2] open requests of this process: hash, grant id -> open record
-- KEYS[3] epochs: hash, team -> epoch, '@' -> epoch of the settings
-- KEYS[4] incarnation
--
-- ARGV[1] process id
-- ARGV[2] lease, ms
-- ARGV[3] key prefix of the counters (there is a single primary, so these keys need not be in KEYS)
-- ARGV[4] key prefix of the sessions
-- ARGV[5..] one string per request; a line feed ends each field: grant id, team, epoch, not after (ms),
--   expiry of the token (ms), open record, session or '', and for each limit: id, span (m h d M o), amount, max.
--   For limit ids and the keys of their counters, see counter_key.
--
-- Returns nil if the process has no recent heartbeat, else
--   { now (ms), incarnation, then one string per request:
--     "S" stale epoch, or the session is gone | "X" token expired | "L" too late
--     "A i c p i c p ..." admitted, "D i c p ..." denied: each limit's window index, current and previous sum }

local counters_ttl_s = 70 * 86400
local open_ttl_s = 30 * 86400

-- include: ../store/lua/is_alive.lua
if not is_alive(KEYS[1], ARGV[1], ARGV[2]) then
  return nil
end

-- Months since year 0, computed from days since 1970 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
local function month_index()
  local z = math.floor(now / 86400000) + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  return year * 12 + month - 1
end

-- include: ../store/lua/fields_of.lua
-- include: ../store/lua/epoch_of.lua
-- include: ../store/lua/counter.lua

local lengths = { m = 60000, h = 3600000 }
local indexes = {
  m = math.floor(now / 60000),
  h = math.floor(now / 3600000),
  d = math.floor(now / 86400000),
  M = month_index(),
  o = 0,
}

local function used(span, index, current, previous)
  local length = lengths[span]
  if not length or previous == 0 then
    return current
  end
  local left = math.min(length, math.max(0, (index + 1) * length - now))
  return current + math.ceil(previous * left / length)
end

local epochs = {}
local function known_epoch(team)
  if epochs[team] == nil then epochs[team] = epoch_of(KEYS[3], team) end
  return epochs[team]
end

-- Reads the counters and rolls them to now. Returns the limits' ids, states[n] = { index, current, previous }, and
-- whether the request fits all limits.
local function check(counters, request, count)
  local ids = {}
  for n = 1, count do
    ids[n] = request[4 + 4 * n]
  end
  local texts = redis.call('HMGET', counters, unpack(ids))
  for n = 1, count do
    local key = counter_key(ids[n], counters, ARGV[3], ARGV[4])
    if key ~= counters then
      texts[n] = redis.call('HGET', key, ids[n])
    end
  end
  local states, fits = {}, true
  for n = 1, count do
    local at = 4 + 4 * n
    local span, amount, max = request[at + 1], tonumber(request[at + 2]), tonumber(request[at + 3])
    local index, current, previous = indexes[span], 0, 0
    if texts[n] then
      local i, c, p = counter_in(texts[n])
      if i >= index then
        index, current, previous = i, c, p
      elseif i == index - 1 then
        previous = c
      end
    end
    states[n] = { index, current, previous }
    if used(span, index, current, previous) + amount > max then
      fits = false
    end
  end
  return ids, states, fits
end

local function reply_text(letter, states)
  local parts = { letter }
  for n = 1, #states do
    parts[n + 1] = counter_text(states[n][1], states[n][2], states[n][3])
  end
  return table.concat(parts, ' ')
end

local touched = {}

local function decide(request)
  local grant, team, count = request[1], request[2], (#request - 7) / 4
  if known_epoch(team) ~= request[3] then
    return 'S'
  end
  local session = request[7]
  if session ~= '' and redis.call('EXISTS', ARGV[4] .. session) == 0 then
    return 'S'
  end
  if now > tonumber(request[4]) then
    return 'L'
  end
  if now >= tonumber(request[5]) then
    return 'X'
  end
  local counters, ids, states, fits = ARGV[3] .. team, {}, {}, true
  if count > 0 then
    ids, states, fits = check(counters, request, count)
  end
  if not fits then
    -- A grant that is already open has been counted. It may be the reason that there is no room.
    return reply_text(redis.call('HEXISTS', KEYS[2], grant) == 1 and 'A' or 'D', states)
  end
  if redis.call('HSETNX', KEYS[2], grant, now_text .. '\t' .. request[6]) == 0 then
    return reply_text('A', states)
  end
  local writes = {}
  for n = 1, count do
    local state, key = states[n], counter_key(ids[n], counters, ARGV[3], ARGV[4])
    state[2] = state[2] + tonumber(request[6 + 4 * n])
    local text = counter_text(state[1], state[2], state[3])
    if key == counters then
      writes[#writes + 1] = ids[n]
      writes[#writes + 1] = text
    else
      redis.call('HSET', key, ids[n], text)
      if string.byte(ids[n]) == 64 then -- '@'; a session's key has its own expiry
        touched[key] = true
      end
    end
  end
  if #writes > 0 then
    redis.call('HSET', counters, unpack(writes))
    touched[counters] = true
  end
  return reply_text('A', states)
end

local reply = { now_text, redis.call('GET', KEYS[4]) or '' }
for n = 5, #ARGV do
  reply[n - 2] = decide(fields_of(ARGV[n]))
end
redis.call('EXPIRE', KEYS[2], open_ttl_s)
-- A counter expires when it has not been written for longer than the longest window: then nothing in it counts.
for counters in pairs(touched) do
  redis.call('EXPIRE', counters, counters_ttl_s)
end
return reply

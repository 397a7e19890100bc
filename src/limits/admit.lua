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
-- ARGV[5] how many bytes the counters of a team's end users may have, and in how many hashes those of each window are
-- ARGV[6] key prefix of calls with an Idempotency-Key: see keyed.lua
-- ARGV[7] the requests, a record separator (0x1e) between them; a line feed ends each field: grant id, team, epoch, not after (ms),
--   expiry of the token (ms), open record, session or '', bounds on refunded requests (of each: field, max, and the field
--   of a limit whose use counts as well or nothing, a space between them and ';' at the end), the id of an Idempotency-Key
--   and the fingerprint of the call with a space between them, or '', and for each limit: field of
--   its counter, span (m h d M o), amount, max (see max_in). For fields and the keys they are in, see counter_key.
--
-- Returns nil if the process has no recent heartbeat, else a text with a line feed between
--   now (ms), and after a space how many counters of end users were dropped to make room, if any; the incarnation; then for
--   each request:
--     "Rn t" too many requests were refunded, or answers sent again, by the n-th bound (from 0), until t (ms)
--     "S" stale epoch, or the session is gone | "X" token expired | "L" too late
--     "A;w s;w s..." admitted: each limit's window index and sum; of a sliding window, the end of its newest run instead
--     "D;w s;..." denied: the same, but of a sliding window its whole text, slid to now
--   and of a call with an Idempotency-Key:
--     "A;w s;...\ta" admitted after attempts `a` that broke and were charged
--     "P" another call with it is running | "O" it was used for another call
--     "K a t" the answer `t` of its last attempt is kept, and counts as a refunded request
--     "U a" it was answered, and that is not kept

local counters_ttl_s = 70 * 86400
local open_ttl_s = 30 * 86400
-- A call that runs for longer than that has lost its key.
local running_ttl_s = 86400

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
-- include: ../store/lua/slide.lua
-- include: ../store/lua/refunds.lua
-- include: ../store/lua/claim_key.lua

local lengths = { m = 60000, h = 3600000 }
local indexes = { d = math.floor(now / 86400000), o = 0 }

-- The number of the calendar window that it is now.
local function index_now(span)
  if not indexes[span] then indexes[span] = month_index() end
  return indexes[span]
end

local end_user_room = ARGV[5]
-- include: ../store/lua/end_users.lua

-- Reads a counter and moves it on to now. One that is ahead, because the clock was set back, stays where it is.
local function counter_now(text, span)
  local length = lengths[span]
  if length then
    local window = sliding_in(text)
    slide(window, now, length)
    return window
  end
  local index, sum, settled = counter_in(text)
  if not index or index < index_now(span) then
    index, sum, settled = index_now(span), 0, 0
  end
  return { index = index, sum = sum, settled = settled }
end

-- A max is a number. What raises it follows as '+by<end' (ms), and '?' if the limit only observes: '1000+50<1764543600000?'.
-- Returns what the limit holds now, and up to which sum a request is admitted.
local function max_in(text)
  local max = tonumber(text)
  if max then
    return max, max
  end
  max = tonumber(string.match(text, '^%d+'))
  for by, ends in string.gmatch(text, '%+(%d+)<(%d+)') do
    if now < tonumber(ends) then max = max + tonumber(by) end
  end
  return max, string.byte(text, -1) == 63 and math.huge or max
end

local function add(counter, amount, max)
  if counter.index then
    counter.sum = counter.sum + amount
  elseif amount > 0 then
    add_used(counter, now, amount, max)
  end
end

local function text_of(counter)
  if not counter.index then return sliding_text(counter) end
  return counter_text(counter.index, counter.sum, counter.settled, counter.rest)
end

local epochs = {}
local function known_epoch(team)
  if epochs[team] == nil then epochs[team] = epoch_of(KEYS[3], team) end
  return epochs[team]
end

-- The bounds on refunded requests, from their text.
local function bounds_in(text)
  local bounds = {}
  for field, max, with in string.gmatch(text, '(%S+) (%d+) (%S*);') do
    bounds[#bounds + 1] = { field = field, max = tonumber(max), with = with }
  end
  return bounds
end

-- Reads fields of counters, wherever they are: those of each key in one command, but for the gateway's. Returns their texts,
-- their keys, and by its key what a hash of end users has besides (see write_end_users), if there are any; nil if the session
-- is gone.
local function read(team_counters, fields, session)
  local session_key = session ~= '' and ARGV[4] .. session
  local keys, of_team, of_session, of_end_users = {}, {}, { 'parent' }, nil
  for n = 1, #fields do
    local key = counter_key(fields[n], team_counters, ARGV[3], ARGV[4])
    keys[n] = key
    if key == team_counters then
      of_team[#of_team + 1] = fields[n]
    elseif key == session_key then
      of_session[#of_session + 1] = fields[n]
    elseif is_of_end_user(fields[n]) then
      of_end_users = of_end_users or {}
      of_end_users[key] = of_end_users[key] or { '#', '@' }
      table.insert(of_end_users[key], fields[n])
    end
  end
  local team_texts = #of_team > 0 and redis.call('HMGET', team_counters, unpack(of_team))
  local session_texts = session_key and redis.call('HMGET', session_key, unpack(of_session))
  if session_texts and not session_texts[1] then
    return nil
  end
  local held, in_hash = nil, nil
  if of_end_users then
    held, in_hash = {}, {}
    for key, asked in pairs(of_end_users) do
      held[key], in_hash[key] = redis.call('HMGET', key, unpack(asked)), 2
    end
  end
  local texts, in_team, in_session = {}, 0, 1
  for n = 1, #fields do
    local key = keys[n]
    if key == team_counters then
      in_team = in_team + 1
      texts[n] = team_texts[in_team]
    elseif key == session_key then
      in_session = in_session + 1
      texts[n] = session_texts[in_session]
    elseif is_of_end_user(fields[n]) then
      in_hash[key] = in_hash[key] + 1
      texts[n] = held[key][in_hash[key]]
    else
      texts[n] = redis.call('HGET', key, fields[n])
    end
  end
  return texts, keys, held
end

-- Where a request's limits begin in its fields, and how many fields each has.
local limits_at, limit_fields = 10, 4

-- Reads the counters of limits, and what was refunded. Returns the fields of the limits, their counters, each with its key
-- and, if there are end users', its text, whether the request fits all limits, the bounds on refunded requests, each with
-- its text, and what read() returns last; nil if the session is gone.
local function check(team_counters, request, count)
  local fields, bounds = {}, bounds_in(request[8])
  for n = 1, count do
    fields[n] = request[limits_at + limit_fields * (n - 1)]
  end
  for n = 1, #bounds do
    fields[count + n] = bounds[n].field
  end
  local texts, keys, held = read(team_counters, fields, request[7])
  if not texts then
    return nil
  end
  for n = 1, #bounds do
    bounds[n].text = texts[count + n]
  end
  local counters, fits = {}, true
  for n = 1, count do
    local at = limits_at + limit_fields * (n - 1)
    local counter = counter_now(texts[n], request[at + 1])
    counter.key = keys[n]
    if held then counter.before = texts[n] end
    counters[n] = counter
    local _, most = max_in(request[at + 3])
    if counter.sum + tonumber(request[at + 2]) > most then
      fits = false
    end
  end
  return fields, counters, fits, bounds, held
end

local function reply_text(letter, counters)
  local parts = { letter }
  for n = 1, #counters do
    local counter = counters[n]
    if letter == 'D' and counter.last then
      parts[n + 1] = sliding_text(counter)
    else
      parts[n + 1] = string.format('%d %d', counter.index or counter.last, counter.sum)
    end
  end
  return table.concat(parts, ';')
end

-- Returns a reply if one of the bounds on refunded requests has no room, else nil. Nearly always their texts are empty.
local function refuse_attempts(bounds, fields, counters)
  for n = 1, #bounds do
    local bound, used = bounds[n], 0
    if bound.text then
      for at = 1, #counters do
        if fields[at] == bound.with then used = counters[at].sum end
      end
      local most = bound.max - used - 1
      local _, refunded = refunds_in(bound.text, now)
      if refunded > most then
        return string.format('R%d %.0f', n - 1, refunds_fit_at(bound.text, now, most))
      end
    end
  end
end

local touched = {}

-- Counts an answer that is sent again as a refunded request.
local function count_replay(bounds, team_counters)
  for n = 1, #bounds do
    local bound = bounds[n]
    local key = counter_key(bound.field, team_counters, ARGV[3], ARGV[4])
    redis.call('HSET', key, bound.field, with_refund(bound.text, now))
    if key == team_counters then
      touched[key] = true
    end
  end
end

local function decide(request)
  local grant, team, count = request[1], request[2], (#request - limits_at + 1) / limit_fields
  if known_epoch(team) ~= request[3] then
    return 'S'
  end
  local team_counters = ARGV[3] .. team
  local fields, counters, fits, bounds, held = check(team_counters, request, count)
  if not fields then
    return 'S'
  end
  if now > tonumber(request[4]) then
    return 'L'
  end
  if now >= tonumber(request[5]) then
    return 'X'
  end
  local refused = refuse_attempts(bounds, fields, counters)
  local running, after = nil, ''
  if request[9] ~= '' then
    local told
    told, running = claim_key(grant, request[9])
    if told and string.byte(told) == 75 then -- 'K'
      if refused then return refused end
      count_replay(bounds, team_counters)
    end
    if told then return told end
    if running.attempts ~= '-' then after = '\t' .. running.attempts end
  end
  if not fits then
    -- A grant that is already open has been counted. It may be the reason that there is no room.
    if redis.call('HEXISTS', KEYS[2], grant) == 1 then
      return reply_text('A', counters) .. after
    end
    return reply_text('D', counters)
  end
  if refused and redis.call('HEXISTS', KEYS[2], grant) == 0 then
    return refused
  end
  if redis.call('HSETNX', KEYS[2], grant, now_text .. '\t' .. request[6]) == 0 then
    return reply_text('A', counters) .. after
  end
  if running then
    redis.call('SET', running.key, keyed_text(running), 'EX', running_ttl_s)
  end
  local writes, notes = {}, held and {}
  for n = 1, count do
    local field, counter, at = fields[n], counters[n], limits_at + limit_fields * (n - 1)
    add(counter, tonumber(request[at + 2]), (max_in(request[at + 3])))
    local of_end_user = is_of_end_user(field)
    if of_end_user then
      counter.rest = ' ' .. this_minute
    end
    local text = text_of(counter)
    if of_end_user then
      note_end_user(notes, field, counter, text)
    elseif counter.key == team_counters then
      writes[#writes + 1] = field
      writes[#writes + 1] = text
    else
      redis.call('HSET', counter.key, field, text)
      if string.byte(field) == 64 then -- '@'; a session's key has its own expiry
        touched[counter.key] = true
      end
    end
  end
  if #writes > 0 then
    redis.call('HSET', team_counters, unpack(writes))
    touched[team_counters] = true
  end
  if notes then
    for key, note in pairs(notes) do
      write_end_users(team_counters, key, note, held[key])
    end
  end
  return reply_text('A', counters) .. after
end

local reply = { '', redis.call('GET', KEYS[4]) or '' }
for request in string.gmatch(ARGV[7], '[^\30]+') do
  reply[#reply + 1] = decide(fields_of(request))
end
reply[1] = evicted == 0 and now_text or now_text .. ' ' .. evicted
redis.call('EXPIRE', KEYS[2], open_ttl_s)
-- A counter expires when it has not been written for longer than the longest window: then nothing in it counts.
for counters in pairs(touched) do
  redis.call('EXPIRE', counters, counters_ttl_s)
end
return table.concat(reply, '\n')

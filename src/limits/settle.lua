#!lua flags=allow-oom
-- Closes grants of one process, each at most once: corrects counters, writes the entry, adds to the totals.
-- allow-oom: a full store must still accept what frees memory and record what was spent (invariant 9).
--
-- KEYS[1] processes   KEYS[2] open requests of the process   KEYS[3] incarnation   KEYS[4] entries (stream)
-- KEYS[5] outbox (stream)
--
-- ARGV[1] process id
-- ARGV[2] lease, ms, if the caller closes grants of a silent process; 0 if they are its own
-- ARGV[3..5] key prefixes of the counters, of the daily totals, and of the marks of settled grants
-- ARGV[6] maximum number of entries   ARGV[7] retention of the totals, days
-- ARGV[8] key prefix of the sessions
-- ARGV[9] how many bytes entries may take until they are drained into records; 0: there are no records
-- ARGV[10] key prefix of calls with an Idempotency-Key: see keyed.lua   ARGV[11] how many bytes they may take
-- ARGV[12] key prefix of the breakdowns
-- ARGV[13] maximum number of rows of a breakdown that have names; 0: none is kept
-- ARGV[14] how many bytes the items of responses may take
-- ARGV[15] key prefix of the marks that something was told
-- ARGV[16] the settlements, a record separator (0x1e) between them; a line feed ends each field: grant id, incarnation of the grant, team,
--   fields that count it as refunded (';' ends each), what limits of a day or month are charged in all, if there are records
--   (for each: field, window index, amount, a space between them and ';' at the end),
--   what becomes of its Idempotency-Key, or '' (see close_keyed),
--   number of adjustments, and for each: field of the limit's counter,
--   window index (of a sliding window the time at which the amount was reserved), delta, charged amount. If levels of
--   the limit are to be told, the charged amount is followed by a space and how much use reaches the lowest of them. Of a limit
--   that counts requests another space follows, and what was used of it when the request was admitted;
--   then, if it has an entry: entry, day (YYYY-MM-DD), end of the day (unix s), totals row, its figures. If the entry has
--   tags or an end user, the totals row is followed by a group separator (0x1d), the tags, a tab, and the end user.
--   If there are levels to be told, a file separator (0x1c) follows the settlements, and a line for each limit and window, with
--   a line feed at both ends: field:window index, until when its marks count (ms), whether it counts in billionths ('n') or
--   not ('u'), the levels (each as level:use that reaches it, a comma between them, the highest first), the event's data. A
--   space is between them
--
-- An element of the stream: e entry, c charges if there are any; or c charges, t team, if it has no entry.
--
-- Returns nil if the silent process is alive after all, else a text with a line for each settlement:
--   '!' if it was not open; if it is closed now, what levels it has reached, each as number of the adjustment, level, 1 if it is
--   told now or 0 if it had been, with a space between them and ';' after it

local mark_ttl_s = 86400

-- include: ../store/lua/clock.lua
if tonumber(ARGV[2]) > 0 then
  -- include: ../store/lua/is_alive.lua
  if is_alive(KEYS[1], ARGV[1], ARGV[2]) then
    return nil
  end
end

local incarnation = redis.call('GET', KEYS[3]) or ''

-- include: ../store/lua/fields_of.lua
-- include: ../store/lua/counter.lua
-- include: ../store/lua/correct.lua
-- include: ../store/lua/refunds.lua
-- include: ../store/lua/bound_backlog.lua
-- include: ../store/lua/breakdown.lua
-- include: ../store/lua/keyed_budget.lua
-- include: ../store/lua/tell.lua

local backlog_bytes = tonumber(ARGV[9])
local counters_ttl_s = 70 * 86400

-- Counts a refunded request. A session that is gone is not counted for.
local function count_refund(team_counters, fields)
  for field in string.gmatch(fields, '([^;]+);') do
    local counters = counter_key(field, team_counters, ARGV[3], ARGV[8])
    if counters == team_counters or redis.call('EXISTS', counters) == 1 then
      redis.call('HSET', counters, field, with_refund(redis.call('HGET', counters, field), clock_ms()))
    end
    if counters == team_counters then
      redis.call('EXPIRE', counters, counters_ttl_s)
    end
  end
end

-- Returns the counter's new text, if it changes; of a calendar window also its sum, and how much of that is settled.
local function adjusted(field, text, at, delta, charged)
  if is_sliding(field) then
    local window = sliding_in(text)
    correct(window, at, delta)
    return sliding_text(window)
  end
  local index, sum, settled, rest = counter_in(text)
  if index ~= at then
    return nil
  end
  sum = math.max(0, sum + delta)
  settled = math.min(sum, settled + charged)
  return counter_text(index, sum, settled, rest), sum, settled
end

-- Returns the sum of the window and how much of it is settled; nothing if it slides or has passed.
local function adjust(team_counters, field, at, delta, charged)
  local counters = counter_key(field, team_counters, ARGV[3], ARGV[8])
  local before, text, sum, settled = redis.call('HGET', counters, field), nil, nil, nil
  if before then
    text, sum, settled = adjusted(field, before, at, delta, charged)
  end
  if text then
    redis.call('HSET', counters, field, text)
    if is_of_end_user(field) and #text ~= #before then
      redis.call('HINCRBY', counters, '#', #text - #before)
      redis.call('HINCRBY', team_counters .. '=', string.sub(field, 2, 2), #text - #before)
      redis.call('EXPIRE', team_counters .. '=', counters_ttl_s)
    end
  end
  return sum, settled
end

local batch, watches = ARGV[16], ''
local watches_at = string.find(batch, '\28', 1, true)
if watches_at then
  batch, watches = string.sub(batch, 1, watches_at - 1), string.sub(batch, watches_at + 1)
end

local function amount_text(unit, amount)
  if unit == 'u' then
    return string.format('%d', amount)
  end
  return string.format('%d.%09d', math.floor(amount / 1e9), amount % 1e9)
end

-- Tells the highest level that so much use reaches, unless it was told, and marks the lower ones: nobody needs to hear of them
-- any more. Returns the level, and 1 if it is told now or else 0; nil if none is reached.
local function tell_level(team, field, at, used)
  local _, ends = string.find(watches, '\n' .. field .. ':' .. at .. ' ', 1, true)
  if not ends then
    return nil
  end
  local until_ms, unit, levels, data = string.match(watches, '^(%d+) (%a) (%S+) ([^\n]+)', ends + 1)
  local highest, is_first
  for level, least in string.gmatch(levels, '(%d+):(%d+)') do
    if used >= tonumber(least) then
      local mark = ARGV[15] .. field .. ':' .. at .. ':' .. level
      local is_new = redis.call('SET', mark, '1', 'PXAT', until_ms, 'NX') ~= false
      if not highest then
        highest, is_first = level, is_new
      end
    end
  end
  if is_first then
    local more = string.format(',"level":%s,"used":%s}', highest, amount_text(unit, used))
    tell(KEYS[5], 'limit.reached', string.sub(field, 1, 2) == '@/' and '' or team, string.sub(data, 1, -2) .. more)
  end
  return highest, is_first and 1 or 0
end

-- Adds what a grant was charged that a restored store does not know: its counters are from records, which cannot have it.
local function add_charges(team_counters, charges)
  for field, at, amount in string.gmatch(charges, '(%S+) (%d+) (%d+);') do
    local counters = counter_key(field, team_counters, ARGV[3], ARGV[8])
    at, amount = tonumber(at), tonumber(amount)
    local index, sum, settled = counter_in(redis.call('HGET', counters, field))
    if not index or index < at then
      index, sum, settled = at, 0, 0
    end
    if index == at then
      redis.call('HSET', counters, field, counter_text(index, sum + amount, settled + amount))
      redis.call('EXPIRE', counters, counters_ttl_s)
    end
  end
end

local function add_entry(entry, charges)
  if backlog_bytes == 0 then
    redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[6], '*', 'e', entry)
  elseif charges == '' then
    redis.call('XADD', KEYS[4], '*', 'e', entry)
  else
    redis.call('XADD', KEYS[4], '*', 'e', entry, 'c', charges)
  end
end

-- Adds figures to a row of a day. `make_room`: called before a new row is made; absent: there is always room.
local function add_figures(key, row, settlement, at, make_room)
  local sums = {}
  local text = redis.call('HGET', key, row)
  if not text and make_room then
    make_room()
  end
  if text then
    for figure in string.gmatch(text, '%d+') do
      sums[#sums + 1] = figure
    end
  end
  -- A process of another version may have written more figures, or fewer.
  for n = 1, #settlement - at - 2 do
    sums[n] = string.format('%.0f', tonumber(sums[n] or 0) + tonumber(settlement[at + 2 + n]))
  end
  redis.call('HSET', key, row, table.concat(sums, ' '))
  if not text then
    redis.call('EXPIREAT', key, tonumber(settlement[at + 1]) + ARGV[7] * 86400)
  end
end

local function add_to_breakdown(row, settlement, at)
  local team = string.match(row, '^[^\t]*')
  local key, most = ARGV[12] .. settlement[at] .. '/' .. team, tonumber(ARGV[13])
  if most == 0 then
    return
  end
  add_figures(key, row, settlement, at, function()
    if redis.call('HINCRBY', key, '#', 1) > most then
      fold_breakdown(key, math.floor(most / 2))
      redis.call('HINCRBY', key, '#', 1)
    end
  end)
end

local function add_totals(settlement, at)
  local row = settlement[at + 2]
  local ends = string.find(row, '\29', 1, true)
  local plain = ends and string.sub(row, 1, ends - 1) or row
  add_figures(ARGV[4] .. settlement[at], plain, settlement, at)
  if ends then
    add_to_breakdown(plain .. '\t' .. string.sub(row, ends + 1), settlement, at)
  end
end

-- Returns whether this call closes the grant, and whether the store has its open record: then its counters have what was
-- reserved. If the store has lost data since the grant was given, it may have none; then a mark shows whether the grant is
-- already settled.
local function close(grant, grant_incarnation)
  local open = redis.call('HDEL', KEYS[2], grant) == 1
  if grant_incarnation == incarnation then
    return open, open
  end
  return redis.call('SET', ARGV[5] .. grant, '1', 'NX', 'EX', mark_ttl_s) ~= false, open
end

-- Bytes. What the attempts of one key may take; beyond it the first are not told any more.
local most_attempts = 1000

local function keep(prefix, max_bytes, team, id, keyed)
  redis.call('SET', prefix .. id, keyed_text(keyed), 'EX', keyed_ttl_s)
  note_keyed(prefix, team, id, keyed)
  bound_keyed(prefix, tonumber(max_bytes))
end

-- Keeps the items of a response for those that refer to them. They are bounded by themselves.
local function keep_items(grant, team, id, sealed)
  if sealed == '' then return end
  local items = { state = 'i', fingerprint = '-', grant = grant, attempts = '-', answer = sealed }
  keep(ARGV[10] .. 'items:', ARGV[14], team, id, items)
end

-- What becomes of an Idempotency-Key: its id, the fingerprint of the call, 'f' free, 'b' broken or 'k' answered, the attempt,
-- and the answer to be kept or nothing, with a space between them. A key that another grant has is that one's. Items of a
-- response have the same fields, with 'i', and '-' for the fingerprint and the attempt.
local function close_keyed(grant, team, text)
  local id, fingerprint, state, attempt, answer = string.match(text, '^(%S+) (%S+) (%a) (%S+) (%S*)$')
  if state == 'i' then return keep_items(grant, team, id, answer) end
  local key = ARGV[10] .. id
  local before = keyed_in(redis.call('GET', key))
  if before and before.grant ~= grant then return end
  local attempts = before and before.attempts or '-'
  if state == 'f' and attempts == '-' then
    redis.call('DEL', key)
    return
  end
  if state == 'f' then
    state = 'b' -- this attempt cost nothing, and earlier ones did
  else
    attempts = attempts == '-' and attempt or attempts .. ',' .. attempt
    while #attempts > most_attempts do
      attempts = string.match(attempts, ',(.*)')
    end
  end
  if state == 'k' and answer == '' then state = 'u' end
  local keyed = { state = state, fingerprint = fingerprint, grant = grant, attempts = attempts, answer = answer }
  keep(ARGV[10], ARGV[11], team, id, keyed)
end

-- Where a settlement's adjustments begin in its fields, and how many fields each has.
local adjustments_at, adjustment_fields = 8, 4

-- Corrects the counter of one adjustment. Returns what tell_level does if levels of its limit are to be told.
local function settle_limit(settlement, from, counters)
  local field, at, delta = settlement[from], settlement[from + 1], tonumber(settlement[from + 2])
  local charged = tonumber(settlement[from + 3])
  if charged then
    adjust(counters, field, tonumber(at), delta, charged)
    return nil
  end
  local paid, least, at_most = string.match(settlement[from + 3], '^(%d+) (%d+) ?(%d*)$')
  local sum, used = adjust(counters, field, tonumber(at), delta, tonumber(paid))
  if not sum then
    return nil -- the window has passed
  end
  if at_most ~= '' then
    used = math.min(sum, tonumber(at_most)) -- requests that came later may still be refunded
  end
  if used < tonumber(least) then
    return nil
  end
  return tell_level(settlement[3], field, at, used)
end

local reply = {}
local wrote = false
for text in string.gmatch(batch, '[^\30]+') do
  local settlement = fields_of(text)
  local charges = settlement[5]
  local entry_at = adjustments_at + adjustment_fields * tonumber(settlement[7])
  local entry = settlement[entry_at]
  local closed, counted = close(settlement[1], settlement[2])
  local told, counters = '', ARGV[3] .. settlement[3]
  if closed and counted then
    count_refund(counters, settlement[4])
    for from = adjustments_at, entry_at - 1, adjustment_fields do
      local level, is_first = settle_limit(settlement, from, counters)
      if level then
        told = told .. (from - adjustments_at) / adjustment_fields .. ' ' .. level .. ' ' .. is_first .. ';'
      end
    end
  elseif closed and backlog_bytes > 0 then
    add_charges(counters, charges)
  end
  if closed and entry then
    add_entry(entry, charges)
    add_totals(settlement, entry_at + 1)
    wrote = true
  elseif closed and charges ~= '' and backlog_bytes > 0 then
    redis.call('XADD', KEYS[4], '*', 'c', charges, 't', settlement[3])
    wrote = true
  end
  if closed and settlement[6] ~= '' then
    close_keyed(settlement[1], settlement[3], settlement[6])
  end
  reply[#reply + 1] = closed and told or '!'
end
if wrote and backlog_bytes > 0 then
  bound_backlog(KEYS[4], tonumber(ARGV[6]), backlog_bytes)
  redis.call('PERSIST', KEYS[4]) -- what is not drained must not go
elseif wrote then
  redis.call('EXPIRE', KEYS[4], ARGV[7] * 86400)
end
return table.concat(reply, '\n')

-- What admission does with the counters of end users: those of a team may take only so much, and the least recent go first.
-- Their hashes are many and small (see counter.lua), so that the bound is the team's: one hash may hold what it likes.
-- The hash "counters:<team>=" has for each window how many bytes they have together, or more: what expired still counts.
-- Needs `now`, end_user_room, counters_ttl_s, index_now, sliding_in and counter_in.
-- include: drop_fields.lua

local window_s = { m = 60, h = 3600, d = 86400, M = 31 * 86400 }
-- What the counters of a window may have of all that a team's may: a day's are many, an hour's are long.
local share = { m = 1 / 8, h = 2 / 8, d = 3 / 8, M = 2 / 8 }
local this_minute = math.floor(now / 60000)
-- How many counters were dropped that still counted.
local evicted = 0

-- When a counter was used last, ms; nil if nothing in it counts any more.
local function last_use(letter, text)
  if letter == 'm' or letter == 'h' then
    local last = sliding_in(text).last
    return last > now - window_s[letter] * 1000 and last or nil
  end
  local index, sum, _, minute = counter_in(text)
  if index == 0 then -- what is open
    return sum > 0 and tonumber(minute) * 60000 or nil
  end
  return index >= index_now(letter) and tonumber(minute) * 60000 or nil
end

-- Drops what does not count any more. Returns how many bytes that frees, and puts the other counters into `rest`, if asked
-- for, but for what was written just now.
local function drop_passed(key, letter, written, rest)
  local all, freed, gone = redis.call('HGETALL', key), 0, {}
  if #all == 0 then return 0 end
  for n = 1, #all, 2 do
    local field, text = all[n], all[n + 1]
    if is_of_end_user(field) and not written[field] then
      local bytes, last = #field + #text, last_use(letter, text)
      if not last then
        gone[#gone + 1], freed = field, freed + bytes
      elseif rest then
        rest[#rest + 1] = { key = key, field = field, last = last, bytes = bytes }
      end
    end
  end
  redis.call('HSET', key, '@', this_minute)
  if freed > 0 then
    drop_fields(key, gone)
    redis.call('HINCRBY', key, '#', -freed)
  end
  return freed
end

-- Drops the least recent until `bytes` are free. Returns how many are.
local function drop_least_recent(counters, bytes)
  local freed, gone = 0, {}
  table.sort(counters, function(a, b) return a.last < b.last end)
  for _, counter in ipairs(counters) do
    if freed >= bytes then break end
    freed, evicted = freed + counter.bytes, evicted + 1
    gone[counter.key] = gone[counter.key] or {}
    table.insert(gone[counter.key], counter.field)
    redis.call('HINCRBY', counter.key, '#', -counter.bytes)
  end
  for key, fields in pairs(gone) do
    drop_fields(key, fields)
  end
  return freed
end

-- Called if the counters of a window may have more than `most` bytes. Adds up what they have, and makes room: of the hashes
-- from a chance one on, so many are looked through that a quarter of what they hold must go. Returns what is left.
local function make_room(prefix, letter, written, most)
  local hashes, bytes, total = tonumber(string.match(end_user_room, '%d+$')), {}, 0
  for n = 0, hashes - 1 do
    bytes[n] = tonumber(redis.call('HGET', prefix .. n, '#')) or 0
    total = total + bytes[n]
  end
  if total <= most then return total end
  local goal, seen, rest = most * 63 / 64, 0, {} -- with room for some: adding up takes time
  for n = now, now + hashes - 1 do
    if seen >= 4 * (total - goal) then break end
    local at = math.floor(n % hashes)
    seen = seen + bytes[at]
    total = total - drop_passed(prefix .. at, letter, written, rest)
  end
  return total - drop_least_recent(rest, total - goal)
end

-- Notes the text of a counter, to be written with the others of its hash.
local function note_end_user(notes, field, counter, text)
  local note = notes[counter.key]
  if not note then
    note = { letter = string.sub(field, 2, 2), grown = 0, pairs = {}, written = {} }
    notes[counter.key] = note
  end
  note.grown = note.grown + #text - (counter.before and #counter.before or -#field)
  note.written[field] = true
  note.pairs[#note.pairs + 1] = field
  note.pairs[#note.pairs + 1] = text
end

-- Writes what was noted for a hash. `held`: the length of what it has, and the minute in which it was looked through.
local function write_end_users(team_counters, key, note, held)
  local letter, grown, values = note.letter, note.grown, note.pairs
  local looked_at, window = tonumber(held[2]) or this_minute, window_s[letter]
  for _, value in ipairs({ '#', (tonumber(held[1]) or 0) + grown, '@', looked_at }) do
    values[#values + 1] = value
  end
  redis.call('HSET', key, unpack(values))
  redis.call('EXPIRE', key, window)
  if (this_minute - looked_at) * 60 > window then
    grown = grown - drop_passed(key, letter, note.written)
  end
  if grown == 0 then return end
  local totals, most = team_counters .. '=', tonumber(string.match(end_user_room, '^%d+')) * share[letter]
  if redis.call('HINCRBY', totals, letter, grown) > most then
    redis.call('HSET', totals, letter, make_room(totals .. letter, letter, note.written, most))
  end
  redis.call('EXPIRE', totals, counters_ttl_s)
end

-- What admission does with the counters of end users: they may take only so much, and the least recent go first.
-- Needs `now`, index_now, sliding_in and counter_in.

local window_s = { m = 60, h = 3600, d = 86400, M = 31 * 86400 }
-- What the hashes of a window may have of all that a team's may: a day's are many, an hour's are long.
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

-- Drops what does not count any more, and the least recent until the rest has at most `most_bytes`; never what was written
-- just now. Returns the length of the rest.
local function look_through(key, letter, written, most_bytes)
  local all, bytes, older, gone = redis.call('HGETALL', key), 0, {}, {}
  for n = 1, #all, 2 do
    local field, text = all[n], all[n + 1]
    local last = is_of_end_user(field) and last_use(letter, text)
    if written[field] or last then
      bytes = bytes + #field + #text
      if not written[field] then
        older[#older + 1] = { field = field, last = last, bytes = #field + #text }
      end
    elseif is_of_end_user(field) then
      gone[#gone + 1] = field
    end
  end
  if bytes > most_bytes then
    table.sort(older, function(a, b) return a.last < b.last end)
    for _, counter in ipairs(older) do
      if bytes <= most_bytes * 7 / 8 then break end -- with room for some: looking through takes time
      bytes, evicted = bytes - counter.bytes, evicted + 1
      gone[#gone + 1] = counter.field
    end
  end
  if #gone > 0 then
    redis.call('HDEL', key, unpack(gone))
  end
  return bytes
end

-- Notes a counter's text, to be written with the others of its hash. `before`: the text it had, if any.
local function note_end_user(notes, key, field, before, text)
  local note = notes[key]
  if not note then
    note = { letter = string.sub(field, 2, 2), grown = 0, pairs = {}, written = {} }
    notes[key] = note
  end
  note.grown = note.grown + #text - (before and #before or -#field)
  note.written[field] = true
  note.pairs[#note.pairs + 1] = field
  note.pairs[#note.pairs + 1] = text
end

-- Writes what was noted for a hash. `held`: the length of what it has, and the minute in which it was looked through.
local function write_end_users(key, note, held, team_bytes)
  local most_bytes = team_bytes * share[note.letter]
  local bytes, looked_at, window = (tonumber(held[1]) or 0) + note.grown, tonumber(held[2]) or this_minute, window_s[note.letter]
  local values = note.pairs
  for _, value in ipairs({ '#', bytes, '@', looked_at }) do
    values[#values + 1] = value
  end
  redis.call('HSET', key, unpack(values))
  if bytes > most_bytes or (this_minute - looked_at) * 60 > window then
    redis.call('HSET', key, '#', look_through(key, note.letter, note.written, most_bytes), '@', this_minute)
  end
  redis.call('EXPIRE', key, window)
end

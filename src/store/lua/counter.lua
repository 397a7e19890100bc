-- Counters of calendar windows and of what is open.

-- Reads a counter's text: window index, sum, how much of the sum was settled, and what else there is; nil if there is no
-- text. Requests that needed no correction are not among the settled ones. Earlier versions kept another third number.
local function counter_in(text)
  if not text then return nil end
  local index, sum, settled, rest = string.match(text, '^(%d+) (%d+) (%d+)(.*)$')
  return tonumber(index), tonumber(sum), tonumber(settled), rest
end

local function counter_text(index, sum, settled, rest)
  return string.format('%d %d %d%s', index, sum, settled, rest or '')
end

-- Counters of end users are many and short-lived, so that they are in many small hashes, each of one window. Such a field
-- is "=d713.hash/limit"; what is before the point follows the team in the key. The letter is the window's (m h d M; what is
-- open is with the days). The text of a calendar window ends with the minute of its last use. Beside the counters, '#' has
-- the length of all fields and texts, and '@' the minute in which they were last looked through.
local function is_of_end_user(field)
  return string.byte(field) == 61 -- '='
end

-- The key of a limit's counter. A session's limit is named 'session/number', and its counter is in the session's key, so
-- that both are deleted together. A limit of the whole gateway is named '@/name', and '@' takes the place of the team.
local function counter_key(field, team_counters, counters_prefix, sessions_prefix)
  if is_of_end_user(field) then return team_counters .. string.match(field, '^[^.]+') end
  local slash = string.find(field, '/', 1, true)
  if not slash then return team_counters end
  return slash == 2 and counters_prefix .. '@' or sessions_prefix .. string.sub(field, 1, slash - 1)
end

-- A sliding window's field ends with '~'. Its text differs from a calendar window's: see sliding_window.lua.
local function is_sliding(field)
  return string.byte(field, -1) == 126
end

-- Counters of calendar windows and of what is open.

-- Reads a counter's text: window index, sum, and how much of the sum was settled; nil if there is no text. Requests that
-- needed no correction are not among the settled ones. Earlier versions kept another third number.
local function counter_in(text)
  if not text then return nil end
  local index, sum, settled = string.match(text, '^(%d+) (%d+) (%d+)$')
  return tonumber(index), tonumber(sum), tonumber(settled)
end

local function counter_text(index, sum, settled)
  return string.format('%d %d %d', index, sum, settled)
end

-- The key of a limit's counter. A session's limit is named 'session/number', and its counter is in the session's key, so
-- that both are deleted together. A limit of the whole gateway is named '@/name', and '@' takes the place of the team.
local function counter_key(field, team_counters, counters_prefix, sessions_prefix)
  local slash = string.find(field, '/', 1, true)
  if not slash then return team_counters end
  return slash == 2 and counters_prefix .. '@' or sessions_prefix .. string.sub(field, 1, slash - 1)
end

-- A sliding window's field ends with '~'. Its text differs from a calendar window's: see sliding_window.lua.
local function is_sliding(field)
  return string.byte(field, -1) == 126
end

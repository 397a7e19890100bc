-- Reads a counter's text: window index, sum of that window, sum of the window before; nil if there is no text.
local function counter_in(text)
  if not text then return nil end
  local index, current, previous = string.match(text, '^(%d+) (%d+) (%d+)$')
  return tonumber(index), tonumber(current), tonumber(previous)
end

local function counter_text(index, current, previous)
  return string.format('%.0f %.0f %.0f', index, current, previous)
end

-- The key of a limit's counter. A session's limit is named 'session/number', and its counter is in the session's key, so
-- that both are deleted together. A limit of the whole gateway is named '@/name', and '@' takes the place of the team.
local function counter_key(id, team_counters, counters_prefix, sessions_prefix)
  local slash = string.find(id, '/', 1, true)
  if not slash then return team_counters end
  return slash == 2 and counters_prefix .. '@' or sessions_prefix .. string.sub(id, 1, slash - 1)
end

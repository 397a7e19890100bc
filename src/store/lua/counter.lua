-- A counter's window index, its sum, and that of the window before, from its text; nothing if there is none.
local function counter_in(text)
  if not text then return nil end
  local index, current, previous = string.match(text, '^(%d+) (%d+) (%d+)$')
  return tonumber(index), tonumber(current), tonumber(previous)
end

local function counter_text(index, current, previous)
  return string.format('%.0f %.0f %.0f', index, current, previous)
end

-- The key that has a limit's counter. The counter of a session's own limit, 'session/number', is in the session's key and
-- goes with it; that of a limit over the whole gateway, '@/name', is where a team's would be.
local function counter_key(id, team_counters, counters_prefix, sessions_prefix)
  local slash = string.find(id, '/', 1, true)
  if not slash then return team_counters end
  return slash == 2 and counters_prefix .. '@' or sessions_prefix .. string.sub(id, 1, slash - 1)
end

-- A counter's window index, its sum, and that of the window before, from its text; nothing if there is none.
local function counter_in(text)
  if not text then return nil end
  local index, current, previous = string.match(text, '^(%d+) (%d+) (%d+)$')
  return tonumber(index), tonumber(current), tonumber(previous)
end

local function counter_text(index, current, previous)
  return string.format('%.0f %.0f %.0f', index, current, previous)
end

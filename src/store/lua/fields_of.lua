-- The fields of an argument, each ended by a line feed, and how many there are.
local function fields_of(text)
  local fields, n = {}, 0
  for field in string.gmatch(text, '([^\n]*)\n') do
    n = n + 1
    fields[n] = field
  end
  return fields, n
end

-- Returns the fields of an argument, and how many there are. A line feed ends each field.
local function fields_of(text)
  local fields, n = {}, 0
  for field in string.gmatch(text, '([^\n]*)\n') do
    n = n + 1
    fields[n] = field
  end
  return fields, n
end

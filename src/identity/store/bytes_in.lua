-- How many bytes the values of a hash have.
local function bytes_in(hash)
  local bytes = 0
  for _, value in ipairs(redis.call('HVALS', hash)) do bytes = bytes + #value end
  return bytes
end

-- Takes fields from a hash, in parts: a command in Lua has at most some 8,000 arguments.
local function drop_fields(key, fields)
  for from = 1, #fields, 1000 do
    redis.call('HDEL', key, unpack(fields, from, math.min(from + 999, #fields)))
  end
end

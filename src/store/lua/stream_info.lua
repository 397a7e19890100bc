-- What a stream has had and has: how many elements were ever added, how many there are, and the newest id ever given.
local function stream_info(key)
  local info = { ['entries-added'] = 0, ['length'] = 0, ['last-generated-id'] = '0-0' }
  if redis.call('EXISTS', key) == 1 then
    local fields = redis.call('XINFO', 'STREAM', key)
    for n = 1, #fields, 2 do
      info[fields[n]] = fields[n + 1]
    end
  end
  return info
end

-- Whether a lease is still the one with this fence (take_lease.lua). If it ended and nobody else has taken it, it is.
local function holds_lease(key, fence)
  return redis.call('HGET', key, 'fence') == fence
end

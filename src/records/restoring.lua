-- Whether it is still this process that restores the store. `restoring` has the nonce of the one that began last.
local function is_restoring(restoring, nonce)
  return redis.call('GET', restoring) == nonce
end

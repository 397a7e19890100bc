-- Forgets the secrets of a token.
local function unbind(secrets, bound)
  for secret in string.gmatch(redis.call('HGET', secrets, bound) or '', '%S+') do
    redis.call('HDEL', secrets, secret)
  end
  redis.call('HDEL', secrets, bound)
end

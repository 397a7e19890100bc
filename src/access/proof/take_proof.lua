--[[
  Notes that a proof was used, so that it works once.

  KEYS[1] the proofs of a session with the nonce of one minute: hash, proof's hash -> ''
  ARGV[1] proof's hash
  ARGV[2] most proofs a minute
  ARGV[3] when that nonce is taken no more (ms)

  Returns taken | used | full.
]]
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 'used' end
if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[2]) then return 'full' end
redis.call('HSET', KEYS[1], ARGV[1], '')
redis.call('PEXPIREAT', KEYS[1], ARGV[3])
return 'taken'

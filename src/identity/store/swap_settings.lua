-- Compare and swap of the settings: with them moves what every team's epoch ends in.
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
redis.call('HSET', KEYS[2], '@', ARGV[3])
return 1

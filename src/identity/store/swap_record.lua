-- Compare and swap of a record. It may grow only as long as there is room for the records beside it.
-- include: ./taken_field.lua
-- include: ./bytes_in.lua
if redis.call('HGET', KEYS[1], ARGV[2]) ~= ARGV[3] then return 0 end
local taken = taken_field(KEYS[1], ARGV[2], ARGV[6], ARGV[7])
if taken then return taken end
local grown = #ARGV[4] - #ARGV[3]
if ARGV[8] ~= '' and grown > 0 and bytes_in(KEYS[1]) + grown > tonumber(ARGV[8]) then return 'full' end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[4])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[5])
return 1

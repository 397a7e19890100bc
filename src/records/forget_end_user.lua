#!lua flags=allow-oom
-- Forgets what an end user has used, who is erased. allow-oom: it only takes away.
--
-- KEYS hashes that may have counters of the end user (see counter.lua); all are looked through, since each is small
-- ARGV[n] how the fields of the end user begin in KEYS[n]

-- include: ../store/lua/drop_fields.lua

for n, key in ipairs(KEYS) do
  local all, length, gone = redis.call('HGETALL', key), 0, {}
  for at = 1, #all, 2 do
    if string.sub(all[at], 1, #ARGV[n]) == ARGV[n] then
      gone[#gone + 1] = all[at]
      length = length + #all[at] + #all[at + 1]
    end
  end
  if #gone > 0 then
    drop_fields(key, gone)
    redis.call('HINCRBY', key, '#', -length)
  end
end
return 1

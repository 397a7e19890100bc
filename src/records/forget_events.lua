#!lua flags=allow-oom
--[[
  Takes away the events that name a user and were not delivered yet. allow-oom: it only takes away.

  KEYS[1] outbox  stream: t type, m team or '', d data
  then for each webhook: undelivered (hash: event id -> tries, type, team or '-', data), due (sorted set)
  ARGV[1] the team   ARGV[2] how the user stands in the data of its events   ARGV[3] and in that of the gateway's

  Returns 1.
]]
local function names(team, data)
  return string.find(data, team == ARGV[1] and ARGV[2] or ARGV[3], 1, true) ~= nil
end

for _, event in ipairs(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 2000)) do
  if names(event[2][4], event[2][6]) then redis.call('XDEL', KEYS[1], event[1]) end
end
for n = 2, #KEYS, 2 do
  local all = redis.call('HGETALL', KEYS[n])
  for at = 1, #all, 2 do
    local team, data = string.match(all[at + 1], '^%d+ %S+ (%S+) (.*)$')
    if all[at] ~= 'trouble' and team and names(team, data) then
      redis.call('HDEL', KEYS[n], all[at])
      redis.call('ZREM', KEYS[n + 1], all[at])
    end
  end
end
return 1

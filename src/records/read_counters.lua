#!lua flags=no-writes
-- What limits of days and months have come to, and what of it is not recorded, at one moment.
--
-- KEYS[1] teams: hash   KEYS[2] entries: stream   KEYS[3] processes
-- ARGV[1] key prefix of counters   ARGV[2] key prefix of open requests (one primary, no cluster)
-- ARGV[3] id of the last entry that is recorded
--
-- Returns { { team ('@': the gateway), field, counter, ... }, { entry or '', team or '', charges, ... of each later element that
--   has charges }, { when a request was admitted (ms) and open record, with a tab between, ... } }.

local counters, charges, open = {}, {}, {}

local function add_team(team)
  local fields = redis.call('HGETALL', ARGV[1] .. team)
  for n = 1, #fields, 2 do
    if string.byte(fields[n], -1) ~= 126 and string.byte(fields[n]) ~= 33 then -- '~' slides, '!' counts refunds
      local at = #counters
      counters[at + 1], counters[at + 2], counters[at + 3] = team, fields[n], fields[n + 1]
    end
  end
end

add_team('@')
for _, team in ipairs(redis.call('HKEYS', KEYS[1])) do
  add_team(team)
end
for _, element in ipairs(redis.call('XRANGE', KEYS[2], '(' .. ARGV[3], '+', 'COUNT', '1000000')) do
  local fields = {}
  for n = 1, #element[2], 2 do
    fields[element[2][n]] = element[2][n + 1]
  end
  if fields.c then
    local at = #charges
    charges[at + 1], charges[at + 2], charges[at + 3] = fields.e or '', fields.t or '', fields.c
  end
end
for _, process in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', '+inf')) do
  for _, text in ipairs(redis.call('HVALS', ARGV[2] .. process)) do
    open[#open + 1] = text
  end
end
return { counters, charges, open }

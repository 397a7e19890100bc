#!lua
--[[
  Writes down when secrets were used last. Without allow-oom: in a full store they wait, or are lost.

  ARGV[1] what the keys of the teams' tokens begin with (single primary, so they need not be in KEYS)
  ARGV[2] the same of the teams' last uses: hash, token id -> 'prefix time (ms)', newest first, spaces between
  then one a use, its fields with line feeds between: team, token id, prefix of the secret, time (ms)

  Returns nothing.
]]
local ttl_s = 400 * 86400
-- The latest two secrets, and one that ended just now and is still noted by another process; and beside them the link
-- that showed the newest one, made and opened.
local most = 6

local function note(team, token, prefix, at)
  if redis.call('HEXISTS', ARGV[1] .. team, token) == 0 then return end
  local key = ARGV[2] .. team
  local uses = { { prefix, tonumber(at) } }
  for other, time in string.gmatch(redis.call('HGET', key, token) or '', '(%S+) (%d+)') do
    if other ~= prefix then
      uses[#uses + 1] = { other, tonumber(time) }
    elseif tonumber(time) > uses[1][2] then
      uses[1][2] = tonumber(time)
    end
  end
  table.sort(uses, function(a, b) return a[2] > b[2] end)
  local parts = {}
  for n = 1, math.min(most, #uses) do
    parts[n] = string.format('%s %.0f', uses[n][1], uses[n][2])
  end
  redis.call('HSET', key, token, table.concat(parts, ' '))
  redis.call('EXPIRE', key, ttl_s)
end

for n = 3, #ARGV do
  note(string.match(ARGV[n], '^(.*)\n(.*)\n(.*)\n(%d+)$'))
end

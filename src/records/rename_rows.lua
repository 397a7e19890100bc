#!lua flags=allow-oom
--[[
  Gives rows of a day's sums other names. If a row has the new name already, their figures are added; the last time of
  a row of refusals is the later one.

  KEYS[1] a day's totals or refusals  hash: row -> figures, a space between them
  ARGV[1] 'sum' if every figure is a sum, 'last' if the second is a time
  ARGV[2..] an old name and a new one, alternating

  Returns how many rows were renamed.
]]
local renamed = 0

local function figures_in(text)
  local figures = {}
  for figure in string.gmatch(text, '%d+') do
    figures[#figures + 1] = tonumber(figure)
  end
  return figures
end

local function added(a, b)
  local sums = {}
  for n = 1, math.max(#a, #b) do
    local is_time = ARGV[1] == 'last' and n == 2
    local sum = is_time and math.max(a[n] or 0, b[n] or 0) or (a[n] or 0) + (b[n] or 0)
    sums[n] = string.format('%.0f', sum)
  end
  return table.concat(sums, ' ')
end

for n = 2, #ARGV - 1, 2 do
  local text = redis.call('HGET', KEYS[1], ARGV[n])
  if text then
    local known = redis.call('HGET', KEYS[1], ARGV[n + 1])
    redis.call('HSET', KEYS[1], ARGV[n + 1], known and added(figures_in(known), figures_in(text)) or text)
    redis.call('HDEL', KEYS[1], ARGV[n])
    renamed = renamed + 1
  end
end
return renamed

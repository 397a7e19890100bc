-- Requests of one principal that reached the upstream and were refunded, by 5 s, for a minute.
--
-- The text: "newest count count ...". `newest` is the number of the newest 5 s; the counts begin with it. At most 13, so that
-- none is forgotten before its minute is over.

local refund_step_ms = 5000
local refund_counts = 13

-- Returns the counts as of now, the newest first, their sum, and the number of these 5 s.
local function refunds_in(text, now)
  local at, counts, sum, newest, age = math.floor(now / refund_step_ms), {}, 0, nil, 0
  for n = 1, refund_counts do
    counts[n] = 0
  end
  for number in string.gmatch(text or '', '%d+') do
    if newest == nil then
      newest = tonumber(number)
      age = math.max(0, at - newest) -- the clock may have been set back
    else
      if age < refund_counts then
        counts[age + 1] = counts[age + 1] + tonumber(number)
        sum = sum + tonumber(number)
      end
      age = age + 1
    end
  end
  return counts, sum, at
end

-- The text with one more.
local function with_refund(text, now)
  local counts, _, at = refunds_in(text, now)
  counts[1] = counts[1] + 1
  local last = refund_counts
  while counts[last] == 0 do
    last = last - 1
  end
  return at .. ' ' .. table.concat(counts, ' ', 1, last)
end

-- When no more than `most` will be left, ms.
local function refunds_fit_at(text, now, most)
  local counts, sum, at = refunds_in(text, now)
  for age = refund_counts, 1, -1 do
    if sum <= most then
      return now
    end
    sum = sum - counts[age]
    if sum <= most then
      return (at - age + 1 + refund_counts) * refund_step_ms
    end
  end
  return now
end

-- What admission does with a sliding window.
-- include: sliding_window.lua

-- Drops the runs that are older than the window.
local function slide(window, now, length)
  local from = now - length
  if window.last <= from then
    window.sum, window.base, window.gap, window.amount = 0, window.last, 0, 0
    window.older, window.older_at = '', 1
    return
  end
  if window.last > now + length then -- The clock was set back. This holds everything for one window from now.
    window.base, window.last, window.gap, window.amount = 0, now, now, window.sum
    window.older, window.older_at = '', 1
    return
  end
  while true do
    local gap, amount, next_at = string.match(window.older, '^ (%d+):(%d+)()', window.older_at)
    if not gap or window.base + gap > from then break end
    window.base, window.sum, window.older_at = window.base + gap, window.sum - amount, next_at
  end
end

-- Adds what is used now, or at the end of the newest run if the clock was set back a little.
local function add_used(window, now, amount, max)
  local at = math.max(now, window.last)
  window.sum = window.sum + amount
  if at == window.last or window.amount + amount <= math.floor(max / runs_in_limit) then
    window.last, window.gap, window.amount = at, window.gap + at - window.last, window.amount + amount
  else
    add_run(window, at, amount)
  end
end

-- What settling does with a sliding window.
-- include: sliding_window.lua

-- Bytes. Most requests settle soon, so the newest runs are looked at first.
local newest_bytes = 160

-- Calls visit(gap, held, finish) for each older run that ends at `at` or later, oldest first. It returns the text that
-- takes the run's place, and whether to go on.
local function rewrite_runs(window, at, visit)
  local start = math.max(window.older_at, #window.older - newest_bytes)
  start = string.find(window.older, ' ', start, true) or start
  local finish = window.last - window.gap
  for gap in string.gmatch(string.sub(window.older, start), ' (%d+):') do
    finish = finish - gap
  end
  if at <= finish then
    start, finish = window.older_at, window.base
  end
  local runs, pieces, rest_at = string.sub(window.older, start), { older_runs(window, start - 1) }, 1
  for from, gap, held, next_at in string.gmatch(runs, '() (%d+):(%d+)()') do
    finish = finish + gap
    if finish >= at then
      local text, goes_on = visit(tonumber(gap), tonumber(held), finish)
      pieces[#pieces + 1] = string.sub(runs, rest_at, from - 1)
      pieces[#pieces + 1] = text
      rest_at = next_at
      if not goes_on then break end
    end
  end
  pieces[#pieces + 1] = string.sub(runs, rest_at)
  window.older, window.older_at = table.concat(pieces), 1
end

-- Takes back what was reserved at `at`, from the oldest runs that may hold it: those that end then or later.
local function take_back(window, at, amount)
  local function take(held)
    local taken = math.min(held, amount)
    amount, window.sum = amount - taken, window.sum - taken
    return held - taken
  end
  if at <= window.last - window.gap then
    rewrite_runs(window, at, function(gap, held)
      return run_text(gap, take(held)), amount > 0
    end)
  end
  window.amount = take(window.amount)
end

-- Adds what was used at `at` beyond what was reserved then: to the run that ends then, to a small one, or as a run.
local function add_beyond(window, at, amount)
  window.sum = window.sum + amount
  local share = math.floor(window.sum / runs_in_limit)
  local newest_from = window.last - window.gap
  if at > window.last then
    return add_run(window, at, amount)
  elseif at == window.last or (at > newest_from and window.amount + amount <= share) then
    window.amount = window.amount + amount
  elseif at > newest_from then
    window.older, window.older_at = older_runs(window) .. run_text(at - newest_from, amount), 1
    window.gap = window.last - at
  else
    rewrite_runs(window, at, function(gap, held, finish)
      if finish == at or held + amount <= share then
        return run_text(gap, held + amount)
      end
      return run_text(gap - (finish - at), amount) .. run_text(finish - at, held)
    end)
  end
  shorten(window)
end

-- Corrects what was reserved at `at`. What was dropped stays dropped.
local function correct(window, at, delta)
  if at <= window.base then return end
  if delta < 0 then
    take_back(window, at, -delta)
  else
    add_beyond(window, at, delta)
  end
end

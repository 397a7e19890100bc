-- Counters of sliding windows. What was used is kept in runs, oldest first. A run has an end and an amount, and all of
-- the amount counts as used at the end. So nothing is forgotten too early, and no window of that length ever holds more
-- than the limit's max. A run takes in what follows only while it has at most a fortieth of the limit. So little is held
-- for longer than it must be.
--
-- The text: "sum base last gap amount", and for each older run " gap:amount". `last`, `gap` and `amount` are the newest
-- run's: its end, the time since the end of the run before, and its amount. `base` is the end of the last run that was
-- dropped. Times are in ms.
--
-- In a window, `older` has the older runs from `older_at` on. Copying it is what costs most here.

local runs_in_limit = 40
-- Bytes. Runs of which each two neighbors have more than a fortieth together fit.
local longest_older = 2048

local function sliding_in(text)
  if not text then
    return { sum = 0, base = 0, last = 0, gap = 0, amount = 0, older = '', older_at = 1 }
  end
  local sum, base, last, gap, amount, older_at = string.match(text, '^(%d+) (%d+) (%d+) (%d+) (%d+)()')
  return {
    sum = tonumber(sum),
    base = tonumber(base),
    last = tonumber(last),
    gap = tonumber(gap),
    amount = tonumber(amount),
    older = text,
    older_at = older_at,
  }
end

local function older_runs(window, upto)
  if window.older_at == 1 and not upto then return window.older end
  return string.sub(window.older, window.older_at, upto or -1)
end

local function sliding_text(window)
  local format, runs = '%d %d %d %d %d%s', older_runs(window)
  return string.format(format, window.sum, window.base, window.last, window.gap, window.amount, runs)
end

local function run_text(gap, amount)
  return string.format(' %d:%d', gap, amount)
end

-- If there are too many runs: joins neighbors that have at most a fortieth together, and drops empty ones.
local function shorten(window)
  if #window.older - window.older_at < longest_older then return end
  local share = math.floor(window.sum / runs_in_limit)
  local runs, gap, amount = {}, 0, 0
  for next_gap, next_amount in string.gmatch(older_runs(window), ' (%d+):(%d+)') do
    if amount == 0 or amount + next_amount <= share then
      gap, amount = gap + next_gap, amount + next_amount
    else
      runs[#runs + 1] = run_text(gap, amount)
      gap, amount = tonumber(next_gap), tonumber(next_amount)
    end
  end
  runs[#runs + 1] = run_text(gap, amount)
  window.older, window.older_at = table.concat(runs), 1
end

-- Adds a run after the newest one, or moves the newest one's end if it has nothing.
local function add_run(window, at, amount)
  if window.amount > 0 then
    window.older, window.older_at = older_runs(window) .. run_text(window.gap, window.amount), 1
    window.gap = 0
  end
  window.last, window.gap, window.amount = at, window.gap + at - window.last, amount
  shorten(window)
end

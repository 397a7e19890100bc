-- The breakdown of a team's day: the rows of its totals that have tags or an end user, by these. A hash of rows, as a day's
-- totals have them: the name is that of the row of totals, a tab, the tags, a tab, the end user. Field '#': how many rows
-- have a name in either of the two. What a request was for may be any number of names, so there is a bound.

-- Stands for names that were given up. No tag has parentheses.
local other_names = '(others)'

local function is_name(text)
  return text ~= '' and text ~= other_names
end

-- Returns the row of a name; nil if it is none.
local function breakdown_row(name)
  local whose, user, tags, end_user =
    string.match(name, '^([^\t]*\t([^\t]*)\t[^\t]*\t[^\t]*\t[^\t]*)\t([^\t]*)\t([^\t]*)$')
  return whose and { name = name, whose = whose, user = user, tags = tags, end_user = end_user }
end

local function breakdown_rows(key)
  local rows, flat = {}, redis.call('HGETALL', key)
  for n = 1, #flat, 2 do
    local row = breakdown_row(flat[n])
    if row then
      row.figures, row.weight = {}, 0
      for figure in string.gmatch(flat[n + 1], '%d+') do
        row.figures[#row.figures + 1] = tonumber(figure)
        row.weight = row.weight + tonumber(figure) -- money, in nano-dollars, outweighs tokens, and these requests
      end
      rows[row.name] = row
    end
  end
  return rows
end

local function heavier(a, b)
  if a.weight ~= b.weight then
    return a.weight > b.weight
  end
  return a.name < b.name
end

-- Returns the rows with names in the order in which they may stay: the heaviest of each user, then the second of each, and
-- so on. So whoever makes up names only gives up their own.
local function in_turns(rows)
  local named, of_user = {}, {}
  for _, row in pairs(rows) do
    if is_name(row.tags) or is_name(row.end_user) then
      named[#named + 1] = row
    end
  end
  table.sort(named, heavier)
  for _, row in ipairs(named) do
    of_user[row.user] = (of_user[row.user] or 0) + 1
    row.turn = of_user[row.user]
  end
  table.sort(named, function(a, b)
    if a.turn ~= b.turn then
      return a.turn < b.turn
    end
    return heavier(a, b)
  end)
  return named
end

-- Adds a row to the one that has `tags` and `end_user` instead.
local function give_up(rows, row, tags, end_user)
  local name = row.whose .. '\t' .. tags .. '\t' .. end_user
  local into = rows[name] or breakdown_row(name)
  into.figures, into.weight, into.changed = into.figures or {}, (into.weight or 0) + row.weight, true
  for n = 1, #row.figures do
    into.figures[n] = (into.figures[n] or 0) + row.figures[n]
  end
  rows[row.name], rows[name] = nil, into
end

-- Gives up names until at most `most` rows have one: first end users, then tags.
local function fold_breakdown(key, most)
  local rows = breakdown_rows(key)
  local before, named = {}, in_turns(rows)
  for name in pairs(rows) do
    before[#before + 1] = name
  end
  local gives_tags = false
  while #named > most do
    for n = most + 1, #named do
      local row = named[n]
      if is_name(row.end_user) then
        give_up(rows, row, row.tags, other_names)
      elseif gives_tags then
        give_up(rows, row, other_names, row.end_user)
      end
    end
    named, gives_tags = in_turns(rows), true
  end
  for _, name in ipairs(before) do
    if not rows[name] then
      redis.call('HDEL', key, name)
    end
  end
  for name, row in pairs(rows) do
    if row.changed then
      for n = 1, #row.figures do
        row.figures[n] = string.format('%.0f', row.figures[n])
      end
      redis.call('HSET', key, name, table.concat(row.figures, ' '))
    end
  end
  redis.call('HSET', key, '#', #named)
end

-- Whether the store has lost its data: with records, it always has their key (docs/records.md). Nil: without records.
local function has_forgotten(records)
  return records and redis.call('EXISTS', records) == 0
end

local forgotten = 'FORGOTTEN The store has lost its data.'

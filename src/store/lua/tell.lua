-- Adds an event to the outbox. Beyond so many the oldest go, whether they were delivered or not: nobody may fill the store.
local most_events = 1000

local function tell(outbox, kind, team, data)
  redis.call('XADD', outbox, 'MAXLEN', '~', most_events, '*', 't', kind, 'm', team, 'd', data)
  redis.call('EXPIRE', outbox, 30 * 86400)
end

-- Adds a line to the delivery log of a webhook. `count`: how many events it stands for. `next`: when the event is tried
-- again, ms, or ''.
local function log_delivery_line(log, line)
  redis.call('XADD', log, 'MAXLEN', '~', 200, '*',
    'i', line.event, 't', line.type, 'n', line.try, 'o', line.outcome,
    's', line.status, 'e', line.error, 'd', line.duration, 'c', line.count, 'x', line.next)
  redis.call('EXPIRE', log, 30 * 86400)
end

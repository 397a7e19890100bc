#!lua flags=allow-oom
--[[
  Moves events from the outbox to the queues of the webhooks that are to get them. All of it, or nothing.

  KEYS[1] lease       hash, with the fence
  KEYS[2] webhooks    hash: webhook id -> JSON
  KEYS[3] outbox      stream: t type, m team or '', d data
  KEYS[4] handed out  string: the id of the newest event that was handed out
  then for each webhook: undelivered (hash), due (sorted set), delivery log (stream)

  ARGV[1] how many events may wait for a webhook   ARGV[2] how many bytes of them   ARGV[3] fence
  ARGV[4] the event up to which it was handed out, as it must still be, '' for none   ARGV[5] and up to which it is now
  then for each webhook: its id, how many events it gets, the ids of these events

  Returns how many events each webhook has lost, because more wait than may; nil, with nothing changed, if the lease was
  lost or these events were handed out already.
]]
-- include: ../store/lua/now.lua
-- include: ../store/lua/holds_lease.lua
-- include: ./log_delivery_line.lua

local queue_kept_s = 7 * 86400
local cursor_kept_s = 30 * 86400
local most_events, most_bytes = tonumber(ARGV[1]), tonumber(ARGV[2])

if not holds_lease(KEYS[1], ARGV[3]) then return nil end
if (redis.call('GET', KEYS[4]) or '') ~= ARGV[4] then return nil end

local function id_parts(id)
  local ms, number = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(number)
end

local function is_older(a, b)
  local a_ms, a_number = id_parts(a)
  local b_ms, b_number = id_parts(b)
  if a_ms ~= b_ms then return a_ms < b_ms end
  return a_number < b_number
end

-- Drops the oldest events of those that are too many. Returns how many.
local function bound(undelivered, due, log)
  local ids, text_of, bytes = {}, {}, 0
  local fields = redis.call('HGETALL', undelivered)
  for n = 1, #fields, 2 do
    if fields[n] ~= 'trouble' then
      ids[#ids + 1] = fields[n]
      text_of[fields[n]] = fields[n + 1]
      bytes = bytes + #fields[n + 1]
    end
  end
  if #ids <= most_events and bytes <= most_bytes then return 0 end
  table.sort(ids, is_older)
  local dropped = 0
  while #ids - dropped > most_events or bytes > most_bytes do
    dropped = dropped + 1
    bytes = bytes - #text_of[ids[dropped]]
    redis.call('HDEL', undelivered, ids[dropped])
    redis.call('ZREM', due, ids[dropped])
  end
  local tries, type = string.match(text_of[ids[dropped]], '^(%d+) (%S+) ')
  log_delivery_line(log, {
    event = ids[dropped], type = type, try = tries, outcome = 'dropped',
    status = '', error = '', duration = 0, count = dropped, next = '',
  })
  return dropped
end

local function put(undelivered, due, id)
  local fields = (redis.call('XRANGE', KEYS[3], id, id, 'COUNT', 1)[1] or {})[2]
  if not fields then return end
  local team = fields[4] == '' and '-' or fields[4]
  redis.call('HSET', undelivered, id, '0 ' .. fields[2] .. ' ' .. team .. ' ' .. fields[6])
  redis.call('ZADD', due, now_text, id)
end

local lost, at = {}, 6
for n = 1, (#KEYS - 4) / 3 do
  local undelivered, due, log = KEYS[3 * n + 2], KEYS[3 * n + 3], KEYS[3 * n + 4]
  local webhook, count = ARGV[at], tonumber(ARGV[at + 1])
  lost[n] = 0
  -- It may have been deleted meanwhile.
  if redis.call('HEXISTS', KEYS[2], webhook) == 1 then
    for event = at + 2, at + 1 + count do put(undelivered, due, ARGV[event]) end
    redis.call('EXPIRE', undelivered, queue_kept_s)
    redis.call('EXPIRE', due, queue_kept_s)
    lost[n] = bound(undelivered, due, log)
  end
  at = at + 2 + count
end
redis.call('SET', KEYS[4], ARGV[5], 'EX', cursor_kept_s)
redis.call('XTRIM', KEYS[3], 'MINID', ARGV[5])
return lost

#!lua flags=allow-oom
--[[
  Moves events from the outbox to the queues of the webhooks that are to get them. All of it, or nothing.

  KEYS[1] lease       hash, with the fence
  KEYS[2] webhooks    hash: webhook id -> JSON
  KEYS[3] outbox      stream: t type, m team or '', d data
  KEYS[4] handed out  string: the id of the newest event that was handed out
  then for each webhook: undelivered (hash), due (sorted set), delivery log (stream)

  ARGV[1] fence
  ARGV[2] the event up to which it was handed out, as it must still be, '' for none   ARGV[3] and up to which it is now
  then for each webhook: its id, how many events may wait for it, how many bytes of them, how many events it gets, the ids
  of these events

  Returns how many events each webhook has lost, because more wait than may; nil, with nothing changed, if the lease was
  lost or these events were handed out already.
]]
-- include: ../store/lua/now.lua
-- include: ../store/lua/holds_lease.lua
-- include: ./log_delivery_line.lua

local queue_kept_s = 7 * 86400
local cursor_kept_s = 30 * 86400
local counted_each = 50

if not holds_lease(KEYS[1], ARGV[1]) then return nil end
if (redis.call('GET', KEYS[4]) or '') ~= ARGV[2] then return nil end

-- Of an event's id, which is 'ms-number'.
local function id_parts(id)
  local ms, number = string.match(id, '^(%d+)-(%d+)$')
  return { id = id, ms = tonumber(ms), number = tonumber(number) }
end

local function is_older(a, b)
  if a.ms ~= b.ms then return a.ms < b.ms end
  return a.number < b.number
end

-- Whether it is time to count what waits: not at each event, since counting reads all of it.
local function is_to_be_bound(before, after, most_events)
  return after > most_events or math.floor(before / counted_each) ~= math.floor(after / counted_each)
end

-- Drops the oldest events if there are too many, and some more, so that the next ones have room. Returns how many.
local function bound(undelivered, due, log, most_events, most_bytes)
  local ids, text_of, bytes = {}, {}, 0
  local fields = redis.call('HGETALL', undelivered)
  for n = 1, #fields, 2 do
    if fields[n] ~= 'trouble' then
      ids[#ids + 1] = id_parts(fields[n])
      text_of[fields[n]] = fields[n + 1]
      bytes = bytes + #fields[n + 1]
    end
  end
  if #ids <= most_events and bytes <= most_bytes then return 0 end
  table.sort(ids, is_older)
  local dropped = 0
  while #ids - dropped > most_events - counted_each or bytes > most_bytes do
    dropped = dropped + 1
    local id = ids[dropped].id
    bytes = bytes - #text_of[id]
    redis.call('HDEL', undelivered, id)
    redis.call('ZREM', due, id)
  end
  local newest = ids[dropped].id
  local tries, type = string.match(text_of[newest], '^(%d+) (%S+) ')
  log_delivery_line(log, {
    event = newest, type = type, try = tries, outcome = 'dropped',
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

local lost, at = {}, 4
for n = 1, (#KEYS - 4) / 3 do
  local undelivered, due, log = KEYS[3 * n + 2], KEYS[3 * n + 3], KEYS[3 * n + 4]
  local webhook, count = ARGV[at], tonumber(ARGV[at + 3])
  local most_events, most_bytes = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  lost[n] = 0
  -- It may have been deleted meanwhile.
  if redis.call('HEXISTS', KEYS[2], webhook) == 1 then
    local before = redis.call('HLEN', undelivered)
    for event = at + 4, at + 3 + count do put(undelivered, due, ARGV[event]) end
    redis.call('EXPIRE', undelivered, queue_kept_s)
    redis.call('EXPIRE', due, queue_kept_s)
    if is_to_be_bound(before, redis.call('HLEN', undelivered), most_events) then
      lost[n] = bound(undelivered, due, log, most_events, most_bytes)
    end
  end
  at = at + 4 + count
end
redis.call('SET', KEYS[4], ARGV[3], 'EX', cursor_kept_s)
redis.call('XTRIM', KEYS[3], 'MINID', ARGV[3])
return lost

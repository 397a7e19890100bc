#!lua
-- What processes tell each other of the upstream's keys: the newest snapshot of each stays.
--
-- KEYS the snapshot of each key, a string: when it was taken (ms), then the snapshot
--
-- ARGV[1] for how long a snapshot is kept, ms
-- then for each key: when this process took it (ms; 0: it has no news), its snapshot
--
-- Returns the newest snapshot of each key, '' if there is none.

local reply = {}
for n, key in ipairs(KEYS) do
  local at, text = ARGV[2 * n], ARGV[2 * n + 1]
  local known = redis.call('GET', key) or ''
  local known_at = tonumber(string.match(known, '^(%d+) ') or 0)
  if tonumber(at) > known_at then
    known = at .. ' ' .. text
    redis.call('SET', key, known, 'PX', ARGV[1])
  end
  reply[n] = known
end
return reply

#!lua flags=allow-oom
-- Notes that the store is drained to some elements, and trims what it need not keep. Nothing that is not drained goes.
-- allow-oom: it frees memory.
--
-- KEYS[1] records: hash   KEYS[2] entries   KEYS[3] refusals   KEYS[4] audit
-- ARGV[1] the store's name   ARGV[2] the mark it must have   ARGV[3] the mark it gets
-- ARGV[4..6] ids that the streams are drained to   ARGV[7..9] how many elements each had been given by then
-- ARGV[10] audit elements up to this id go; '' if none   ARGV[11] number of that element   ARGV[12] its hash
-- ARGV[13] how many drained entries stay
--
-- Returns 1; 0 if the store has another name or mark: another process has drained it, or it has forgotten.

local known = redis.call('HMGET', KEYS[1], 'store', 'mark')
if known[1] ~= ARGV[1] or known[2] ~= ARGV[2] then
  return 0
end

-- include: ../store/lua/now.lua
-- include: ../store/lua/stream_info.lua

local fields = { 'entries', 'refusals', 'audit' }
local values = { 'mark', ARGV[3], 'drained_at', now_text }
for n = 1, 3 do
  values[#values + 1] = fields[n]
  values[#values + 1] = ARGV[3 + n]
  values[#values + 1] = fields[n] .. '_added'
  values[#values + 1] = ARGV[6 + n]
end
redis.call('HSET', KEYS[1], unpack(values))

-- The id after this one.
local function after(id)
  local ms, seq = string.match(id, '^(%d+)%-(%d+)$')
  return string.format('%s-%.0f', ms, tonumber(seq) + 1)
end

local undrained = stream_info(KEYS[2])['entries-added'] - tonumber(ARGV[7])
local keep = math.max(tonumber(ARGV[13]), undrained)
redis.call('XTRIM', KEYS[2], 'MAXLEN', '~', string.format('%.0f', keep))
redis.call('XTRIM', KEYS[3], 'MINID', after(ARGV[5]))
if ARGV[10] ~= '' then
  redis.call('XTRIM', KEYS[4], 'MINID', after(ARGV[10]))
  redis.call('HSET', KEYS[1], 'anchor_sequence', ARGV[11], 'anchor_hash', ARGV[12])
end
return 1

-- What admission does with an Idempotency-Key. Needs KEYS and ARGV of admit.lua.
-- include: keyed.lua

local open_prefix = string.sub(KEYS[2], 1, -#ARGV[1] - 1)

-- A grant begins with the id of its process.
local function is_open(grant)
  return redis.call('HEXISTS', open_prefix .. string.match(grant, '^(.*)%-'), grant) == 1
end

-- Returns a reply if a call's Idempotency-Key is in use; else nil, and what is known of it while the call runs. A grant that
-- asks again meets itself. One that is not open was settled by a process that knew nothing of such keys.
local function claim_key(grant, keyed_call)
  local id, fingerprint = string.match(keyed_call, '^(%S+) (%S+)$')
  local running = { state = 'r', fingerprint = fingerprint, grant = grant, attempts = '-', answer = '' }
  running.key = ARGV[6] .. id
  local keyed = keyed_in(redis.call('GET', running.key))
  if not keyed then
    return nil, running
  end
  running.attempts = keyed.attempts
  if keyed.state == 'r' and (keyed.grant == grant or not is_open(keyed.grant)) then
    return nil, running
  elseif keyed.fingerprint ~= fingerprint then
    return 'O'
  elseif keyed.state == 'r' then
    return 'P'
  elseif keyed.state == 'k' then
    return 'K ' .. keyed.attempts .. ' ' .. keyed.answer
  elseif keyed.state == 'u' then
    return 'U ' .. keyed.attempts
  end
  return nil, running
end

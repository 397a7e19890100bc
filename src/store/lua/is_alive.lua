-- include: now.lua

-- Whether a process has sent a heartbeat within the lease.
local function is_alive(processes, process, lease_ms)
  local beat = redis.call('ZSCORE', processes, process)
  return beat and now - tonumber(beat) <= tonumber(lease_ms)
end

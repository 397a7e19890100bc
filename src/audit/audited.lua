--[[
  What stands around a script that changes something: the change and its entry are written in one step, or neither is.
  The script itself is the function `change`, put before this text (src/audit/audit-trail.ts). Whether it may run in
  a full store is the script's own affair: what ends something does, and so does its entry.

  KEYS[#KEYS]      audit  stream: h the entry's hash, e its text; the last key, after the script's own
  ARGV[#ARGV - 2]  the hash of the newest entry, as it must still be; '' if there is none
  ARGV[#ARGV - 1]  the new entry's hash
  ARGV[#ARGV]      the new entry's text

  Returns what the script returns; 'moved', with nothing changed, if the newest entry is another one by now.
]]
local newest = redis.call('XREVRANGE', KEYS[#KEYS], '+', '-', 'COUNT', 1)[1]
if (newest and newest[2][2] or '') ~= ARGV[#ARGV - 2] then return 'moved' end
local result = change()
if result == 1 or result == 'created' then
  redis.call('XADD', KEYS[#KEYS], '*', 'h', ARGV[#ARGV - 1], 'e', ARGV[#ARGV])
end
return result

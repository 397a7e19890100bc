--[[
  What stands around a script that changes something: the change and its entry are written in one step, or neither is.
  The script itself is the function `change`, put before this text (src/audit/audit-trail.ts). Whether it may run in
  a full store is the script's own affair: what ends something does, and so does its entry.

  KEYS[#KEYS - 1]  audit  stream: h the entry's hash, e its text; after the script's own keys
  KEYS[#KEYS]      outbox
  ARGV[#ARGV - 3]  the hash of the newest entry, as it must still be; '' if there is none
  ARGV[#ARGV - 2]  the new entry's hash
  ARGV[#ARGV - 1]  the new entry's text
  ARGV[#ARGV]      the event that the change is told by: type, team or '', and data, a line feed between them; '' if there is none

  Returns what the script returns; 'moved', with nothing changed, if the newest entry is another one by now.
]]
-- include: ../store/lua/tell.lua
local audit, outbox = KEYS[#KEYS - 1], KEYS[#KEYS]
local newest = redis.call('XREVRANGE', audit, '+', '-', 'COUNT', 1)[1]
if (newest and newest[2][2] or '') ~= ARGV[#ARGV - 3] then return 'moved' end
local result = change()
if result == 1 or result == 'created' then
  redis.call('XADD', audit, '*', 'h', ARGV[#ARGV - 2], 'e', ARGV[#ARGV - 1])
  local kind, team, data = string.match(ARGV[#ARGV], '^([^\n]+)\n([^\n]*)\n(.+)$')
  if kind then tell(outbox, kind, team, data) end
end
return result

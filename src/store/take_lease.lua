#!lua flags=allow-oom
--[[
  Takes a lease, or renews it.

  KEYS[1] lease  hash: owner, until (ms), fence
  ARGV[1] how long it lasts, ms   ARGV[2] who takes it

  Returns the fence, which changes with the owner; nil if another one has it.
]]
-- include: ./lua/now.lua

local kept_s = 30 * 86400

local held = redis.call('HMGET', KEYS[1], 'owner', 'until', 'fence')
local is_mine = held[1] == ARGV[2]
if not is_mine and held[2] and now < tonumber(held[2]) then return nil end
local fence = tonumber(held[3] or '0')
-- Taken anew it gets a new fence even from the same owner: what was begun under the old one is over.
if not is_mine or now >= tonumber(held[2]) then fence = fence + 1 end
local ends = string.format('%.0f', now + tonumber(ARGV[1]))
redis.call('HSET', KEYS[1], 'owner', ARGV[2], 'until', ends, 'fence', string.format('%.0f', fence))
redis.call('EXPIRE', KEYS[1], kept_s)
return string.format('%.0f', fence)

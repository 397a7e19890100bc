#!lua flags=allow-oom
--[[
  Removes the prices of a model, so that the catalogue's count again.

  KEYS[1] prices     hash: model id -> JSON
  KEYS[2] epochs     hash: team id -> epoch, '@prices' -> that of the prices
  ARGV[1] model id
  ARGV[2] the JSON it must still have
  ARGV[3] ''
  ARGV[4] the field of the epoch
  ARGV[5] the new epoch

  Returns 1 when removed, 0 on a conflict.
]]
-- include: ./swap_price.lua

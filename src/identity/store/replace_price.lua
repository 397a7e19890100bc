#!lua
--[[
  Sets the prices of a model. Without allow-oom: a full store refuses.

  KEYS[1] prices     hash: model id -> JSON
  KEYS[2] epochs     hash: team id -> epoch, '@prices' -> that of the prices
  ARGV[1] model id
  ARGV[2] the JSON it must still have; '' for none
  ARGV[3] the JSON it gets
  ARGV[4] the field of the epoch
  ARGV[5] the new epoch

  Returns 1 when set, 0 on a conflict.
]]
-- include: ./swap_price.lua

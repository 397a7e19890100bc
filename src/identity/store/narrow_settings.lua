#!lua flags=allow-oom
--[[
  Replaces the settings by lower ones.

  KEYS[1] settings   string: JSON
  KEYS[2] epochs     hash: team id -> epoch, '@' -> the settings' own
  ARGV[1] the JSON it must still have; '' for none
  ARGV[2] the JSON it gets
  ARGV[3] the settings' new epoch

  Returns 1 when replaced, 0 on a conflict.
]]
-- include: ./swap_settings.lua

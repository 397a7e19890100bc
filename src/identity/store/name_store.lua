#!lua
--[[
  The store's name, made if it has none. Without allow-oom: an export from a full store may have none.

  KEYS[1] provenance hash: store, seen
  ARGV[1] the name it gets, random

  Returns its name.
]]
redis.call('HSETNX', KEYS[1], 'store', ARGV[1])
return redis.call('HGET', KEYS[1], 'store')

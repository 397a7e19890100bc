#!lua flags=allow-oom
--[[
  The store's name, made if it has none: an export says where it is from, even if the store is full.

  KEYS[1] provenance hash: store, seen
  ARGV[1] the name it gets, random

  Returns its name.
]]
redis.call('HSETNX', KEYS[1], 'store', ARGV[1])
return redis.call('HGET', KEYS[1], 'store')

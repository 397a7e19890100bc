#!lua flags=allow-oom
--[[
  The store's name, made where it has none: an export says where it is from, also that of a full store.

  KEYS[1] provenance hash: store, seen
  ARGV[1] the name it gets, random

  Returns its name.
]]
redis.call('HSETNX', KEYS[1], 'store', ARGV[1])
return redis.call('HGET', KEYS[1], 'store')

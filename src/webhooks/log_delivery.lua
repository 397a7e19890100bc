#!lua
--[[
  Notes in a webhook's delivery log that a test event was sent.

  KEYS[1] delivery log  stream
  ARGV[1] event id   ARGV[2] type   ARGV[3] outcome   ARGV[4] status, or ''   ARGV[5] the word of the error, or ''
  ARGV[6] how long it took, ms
]]
-- include: ./log_delivery_line.lua
log_delivery_line(KEYS[1], {
  event = ARGV[1], type = ARGV[2], try = 1, outcome = ARGV[3],
  status = ARGV[4], error = ARGV[5], duration = ARGV[6], count = 1, next = '',
})
return 1

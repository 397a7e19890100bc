-- include: clock.lua

-- The store's clock, ms; as text for replies.
local now = clock_ms()
local now_text = string.format('%.0f', now)

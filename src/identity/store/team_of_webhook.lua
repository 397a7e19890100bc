-- The team of a webhook, from its JSON; '' for the gateway. Not decoded: one that somebody has altered so that it cannot be read
-- must not keep anything from being done. Within a text, quotation marks are escaped.
local function team_of_webhook(text)
  return string.match(text, '"team":"([^"]*)"') or ''
end

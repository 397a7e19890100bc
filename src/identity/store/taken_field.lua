-- Whether another user of a team has this address or this account. Both are given as they stand in a record's JSON, the
-- address in lower case; '' for none. Quotes inside of a value are escaped, so such a text is only found where it is a
-- field. Returns nil, 'email_taken' or 'subject_taken'.
local function taken_field(users, id, email, subject)
  if email == '' and subject == '' then return nil end
  local records = redis.call('HGETALL', users)
  for i = 1, #records, 2 do
    local text = records[i + 1]
    if records[i] ~= id then
      local at = email ~= '' and string.find(text, '"email":"', 1, true)
      -- [A-Z] and not %u: only those are folded, whatever the locale.
      if at and string.gsub(string.sub(text, at, at + #email - 1), '[A-Z]', string.lower) == email then
        return 'email_taken'
      end
      if subject ~= '' and string.find(text, subject, 1, true) then return 'subject_taken' end
    end
  end
  return nil
end

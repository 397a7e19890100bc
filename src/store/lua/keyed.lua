-- What is known of a call with an Idempotency-Key. A string of five fields, with a space between them: its state, the
-- call's fingerprint, its grant, the attempts that were charged ('-' if there are none, else oldest first, with a comma
-- between them), and the kept answer or nothing.
--
-- States: 'r' running, 'k' its answer is kept, 'u' it was answered and the answer is not kept, 'b' it broke, so that it may be
-- tried again. The items of a response are kept in the same form, as 'i', below a key prefix of their own.

local function keyed_in(text)
  if not text then return nil end
  -- The answer may be 88 kB: it is cut off, not matched, which takes a quarter of the time.
  local state, fingerprint, grant, attempts, at = string.match(text, '^(%a) (%S+) (%S+) (%S+) ()')
  local answer = string.sub(text, at)
  return { state = state, fingerprint = fingerprint, grant = grant, attempts = attempts, answer = answer }
end

local function keyed_text(keyed)
  return table.concat({ keyed.state, keyed.fingerprint, keyed.grant, keyed.attempts, keyed.answer }, ' ')
end

-- The epoch of a team's identities: the team's own and that of the settings; false if there is no such team.
local function epoch_of(epochs, team)
  local found = redis.call('HMGET', epochs, team, '@')
  return found[1] and found[2] and found[1] .. '.' .. found[2] or found[1]
end

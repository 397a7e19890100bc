interface Group {
  name: string;
  description: string;
  /** Its paths. */
  paths: RegExp;
}

/** In the order of the page. A path belongs to the first group that matches. */
const groups: readonly Group[] = [
  {
    name: 'Inference',
    description:
      'Requests are checked, counted against the limits, sent to Heroku Inference and written to the ledger.',
    paths: /^\/v1\/(?!(?:me|models|sessions)(?:\/|$))/,
  },
  {
    name: 'Your token',
    description: 'What a token can ask about itself. These requests are neither counted nor in the ledger.',
    paths: /^\/v1\/(?:me|models)(?:\/|$)|^\/available-models$/,
  },
  {
    name: 'Sessions',
    description: 'Short-lived tokens for web pages, narrower than the token that creates them.',
    paths: /^\/v1\/sessions$|^\/oauth\//,
  },
  {
    name: 'Claim links',
    description: 'Hand a token over without sending it in a message.',
    paths: /^\/claim\//,
  },
  {
    name: 'Leaks',
    description: 'Have a token revoked that was found somewhere.',
    paths: /^\/leaks$/,
  },
  {
    name: 'Teams',
    description: 'Teams, and suspending them.',
    paths: /^\/admin\/teams(?:\/:team(?:\/(?:suspend|resume))?)?$/,
  },
  {
    name: 'End users',
    description: 'The people whom the sessions of a team are made for, and suspending one.',
    paths: /^\/admin\/teams\/:team\/end-users/,
  },
  { name: 'Users', description: 'The users of a team.', paths: /^\/admin\/teams\/:team\/users/ },
  {
    name: 'Tokens',
    description: 'The tokens of a team, and of all teams.',
    paths: /^\/admin\/(?:teams\/:team\/)?tokens/,
  },
  {
    name: 'Webhooks',
    description: 'Where events are sent: those of the gateway, and those of a team.',
    paths: /^\/admin\/(?:teams\/:team\/)?webhooks/,
  },
  {
    name: 'Reports',
    description: 'What was used, what was refused, and who changed what.',
    paths: /^\/admin\/(?:overview|usage|requests|refusals|audit)/,
  },
  {
    name: 'Gateway',
    description: 'Settings, prices, attachments, administrators, export and import.',
    paths: /^\/admin\//,
  },
  { name: 'Operations', description: 'Health, metrics and this description.', paths: /^\// },
];

/** The name of the group a path is in. */
export function groupOf(path: string): string {
  return groups.find(({ paths }) => paths.test(path))?.name ?? '';
}

/** The groups of these paths, in order. */
export function groupsOf(paths: readonly string[]): { name: string; description: string }[] {
  const used = new Set(paths.map(groupOf));
  return groups.filter(({ name }) => used.has(name)).map(({ name, description }) => ({ name, description }));
}

interface Group {
  name: string;
  description: string;
  /** Paths that are in it. */
  paths: RegExp;
}

/** In the order in which they are shown; a path is in the first that fits. */
const groups: readonly Group[] = [
  {
    name: 'Inference',
    description:
      'Checked, counted against the limits, sent on to Heroku Inference and written to the ledger.',
    paths: /^\/v1\/(?!(?:me|models|sessions)(?:\/|$))/,
  },
  {
    name: 'Your token',
    description: 'What a token may ask about itself: neither counted nor in the ledger.',
    paths: /^\/v1\/(?:me|models)(?:\/|$)|^\/available-models$/,
  },
  {
    name: 'Sessions',
    description: 'Short-lived tokens for web pages, narrower than the token that makes them.',
    paths: /^\/v1\/sessions$|^\/oauth\//,
  },
  {
    name: 'Claim links',
    description: 'Handing a token over without a chat message.',
    paths: /^\/claim\//,
  },
  {
    name: 'Teams',
    description: 'What holds for a team as such.',
    paths: /^\/admin\/teams(?:\/:team(?:\/(?:suspend|resume))?)?$/,
  },
  { name: 'Users', description: 'The users of a team.', paths: /^\/admin\/teams\/:team\/users/ },
  { name: 'Tokens', description: 'The tokens of a team.', paths: /^\/admin\/teams\/:team\/tokens/ },
  {
    name: 'Reports',
    description: 'What was used, and what was refused.',
    paths: /^\/admin\/(?:usage|requests|refusals|audit)/,
  },
  { name: 'Gateway', description: 'Settings, administrators, export and import.', paths: /^\/admin\// },
  { name: 'Operations', description: 'Health, metrics and this description.', paths: /^\// },
];

/** The name of the group a path is in. */
export function groupOf(path: string): string {
  return groups.find(({ paths }) => paths.test(path))?.name ?? '';
}

/** Those of the paths given, in order. */
export function groupsOf(paths: readonly string[]): { name: string; description: string }[] {
  const used = new Set(paths.map(groupOf));
  return groups.filter(({ name }) => used.has(name)).map(({ name, description }) => ({ name, description }));
}

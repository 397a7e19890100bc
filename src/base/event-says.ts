/** What is said of a type of event. Pages show it, so nothing else is here. */
export interface SaidOfEvent {
  /** When it happens. */
  readonly says: string;
  /** Whether it concerns a team, the gateway as a whole, or either. Of a team, its administrators get it too. */
  readonly of: 'team' | 'gateway' | 'either';
}

/** Every type of event, in the order of the documentation. */
export const said = {
  'limit.reached': {
    of: 'either',
    says: 'A limit per day or month is used up to one of the levels of LIMIT_EVENT_LEVELS, by requests that are settled. Once in its window.',
  },
  'limit.refusing': {
    of: 'either',
    says: 'Limits of a team, or of the gateway, have refused requests: at the first, and then at most once an hour, with how many since. Limits of sessions and end users are left out.',
  },
  'token.expiring': {
    of: 'team',
    says: 'Tokens of a team expire in seven days, and again in one (UTC days). Told once a day for all of them, unless they were made for a shorter time.',
  },
  'token.unused': {
    of: 'team',
    says: 'Tokens of a team that work were neither used nor rotated for 30 days, and again for 60, 90 and so on. Told once a day for all of them.',
  },
  'token.rotated': {
    of: 'team',
    says: 'A token has a new secret.',
  },
  'token.claimed': {
    of: 'team',
    says: 'The link that shows a token was opened.',
  },
  'token.revoked': {
    of: 'team',
    says: 'A token was revoked.',
  },
  'token.leaked': {
    of: 'either',
    says: 'Somebody has reported that a token, or a credential of an administrator, is where others can read it. It was revoked.',
  },
  'admin.created': {
    of: 'gateway',
    says: 'There is a new administrator.',
  },
  'signin.provisioned': {
    of: 'team',
    says: 'A user was made because somebody signed in.',
  },
  'upstream.down': {
    of: 'gateway',
    says: 'An attachment fails: it cannot be connected to (model is null), or nobody gets an answer of a model, and two teams have met that, or one team five times in a row. Not within ten minutes after it recovered.',
  },
  'upstream.recovered': {
    of: 'gateway',
    says: 'An attachment that was down answers again.',
  },
  'upstream.key_refused': {
    of: 'gateway',
    says: 'The upstream refuses the key of an attachment, or its access to a model. Once a day.',
  },
  'store.filling': {
    of: 'gateway',
    says: 'The store is 80 or 95 % full. Once a day, and once more if it comes from the one to the other.',
  },
  'records.lag': {
    of: 'gateway',
    says: 'What is to be recorded in Postgres waits for over ten minutes, or takes half of RECORDS_BACKLOG_BYTES. Once an hour.',
  },
  'records.gap': {
    of: 'gateway',
    says: 'Something left the store before it was in Postgres. At most once an hour for each stream.',
  },
  'audit.head': {
    of: 'gateway',
    says: 'The newest entry of the audit trail and its hash, once a day: kept elsewhere, it proves that the trail was not altered.',
  },
  'spend.anomaly': {
    of: 'team',
    says: 'A team has spent more than three times as much today as on average on the seven days before (UTC), and a dollar at least; on three of these it has spent something. Once a day.',
  },
  'usage.digest': {
    of: 'team',
    says: 'What a team used in the week that ended on Sunday (UTC), beside the week before: every Monday, if it used something in either.',
  },
  'webhook.disabled': {
    of: 'either',
    says: 'A destination has taken nothing for a day, or has answered 410, so that nothing is sent to it any more.',
  },
  'webhook.test': {
    of: 'either',
    says: 'An administrator tries a destination.',
  },
} as const satisfies Record<string, SaidOfEvent>;

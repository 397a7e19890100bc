import type { EventType, GatewayEvent } from '../../base/event.ts';

const at = '2026-11-30T09:30:00.000Z';
const tomorrow = '2026-12-01T00:00:00.000Z';
const token = { token: 'tok_8LwqZ3bT1mXc', user: 'ana', name: 'laptop' };

/** What the data of an event of each type may be. */
export const eventExamples: { readonly [Type in EventType]: GatewayEvent<Type>['data'] } = {
  'limit.reached': {
    scope: 'team',
    user: null,
    token: null,
    metric: 'tokens',
    window: 'day',
    max: 1_000_000,
    level: 80,
    used: 812_345,
    enforced: true,
    resets_at: tomorrow,
  },
  'limit.refusing': {
    refused: 7,
    since: at,
    limits: [{ limit: 'team tokens/day', refused: 7 }],
    users: [{ team: 'acme', user: 'ana' }],
  },
  'token.expiring': { days: 1, tokens: [{ ...token, expires_at: tomorrow }], more: 0 },
  'token.unused': {
    tokens: [{ ...token, last_used_at: null, created_at: '2026-10-31T08:00:00.000Z' }],
    more: 0,
  },
  'token.rotated': { ...token, actor: 'tok_8LwqZ3bT1mXc' },
  'token.claimed': { token: 'tok_8LwqZ3bT1mXc' },
  'token.revoked': { ...token, actor: 'adm_7TfsK2wQ9zJb', because: null },
  'token.leaked': {
    ...token,
    reported_url:
      'https://github.com/octocat/Hello-World/blob/12345600b9cbe38a219f39a9941c9319b600c002/foo/bar.txt',
  },
  'admin.created': {
    admin: 'adm_7TfsK2wQ9zJb',
    name: 'Bo',
    role: 'team-admin',
    teams: ['acme'],
    actor: 'root',
  },
  'signin.provisioned': { user: 'ana' },
  'upstream.down': {
    attachment: 'INFERENCE',
    model: 'claude-4-5-haiku',
    cause: 'unconnected',
    only_team: null,
  },
  'upstream.recovered': { attachment: 'INFERENCE', model: 'claude-4-5-haiku', down_for_s: 93 },
  'upstream.key_refused': { attachment: 'INFERENCE', status: 401 },
  'store.filling': { level: 80, used_bytes: 21_100_000, max_bytes: 26_214_400 },
  'records.lag': {
    entries: 4_200,
    refusals: 3,
    audit: 12,
    bytes: 1_310_720,
    oldest_at: '2026-11-30T09:18:00.000Z',
    drained_at: '2026-11-30T09:17:58.000Z',
  },
  'records.gap': { stream: 'entries', missing: 12, reason: 'It left the store before it was drained.' },
  'audit.head': {
    day: '2026-11-30',
    sequence: 812,
    hash: '3f0a6d1c9be24f58a7d0c6e2b19a4c7d5e8f00112233445566778899aabbccdd',
  },
  'spend.anomaly': { day: '2026-11-30', cost_usd: 42.5, mean_usd: 7.25 },
  'usage.digest': {
    from: '2026-11-23',
    to: '2026-11-29',
    requests: 1_200,
    input_tokens: 840_000,
    output_tokens: 212_000,
    images: 4,
    errors: 9,
    cost_usd: 12.34,
    before: { requests: 1_000, cost_usd: 10.02 },
    users: [{ user: 'ana', requests: 1_200, cost_usd: 12.34 }],
    more_users: 0,
  },
  'webhook.disabled': {
    webhook: 'wh_6GdnS1xP4kRa',
    host: 'hooks.example.com',
    because: 'It answered 410: nothing is to be sent there any more.',
  },
  'webhook.test': { webhook: 'wh_6GdnS1xP4kRa', actor: 'root' },
};

import { describe, expect, it } from 'vitest';
import { eventNames, type EventType, type GatewayEvent } from '../../../src/base/event.ts';
import { chatBody } from '../../../src/webhooks/chat-body.ts';
import { eventText } from '../../../src/webhooks/event-text.ts';
import type { SentEvent } from '../../../src/webhooks/waiting.ts';

const at = '2027-01-04T12:00:00.000Z';
const token = { token: 'tok_1', user: 'ana', name: 'laptop' };

const samples: { [Type in EventType]: GatewayEvent<Type>['data'] } = {
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
    resets_at: at,
  },
  'limit.refusing': {
    refused: 3,
    since: at,
    limits: [{ limit: 'team tokens/day', refused: 3 }],
    users: [{ team: 'acme', user: 'ana' }],
  },
  'token.expiring': { days: 1, tokens: [{ ...token, expires_at: at }], more: 0 },
  'token.unused': {
    tokens: Array.from({ length: 7 }, () => ({ ...token, last_used_at: null, created_at: at })),
    more: 3,
  },
  'token.rotated': { ...token, actor: 'tok_1' },
  'token.claimed': { token: 'tok_1' },
  'token.revoked': { ...token, actor: 'adm_1', because: null },
  'token.leaked': { ...token, reported_url: 'https://evil.example/phish' },
  'admin.created': { admin: 'adm_1', name: null, role: 'team-admin', teams: ['acme'], actor: 'root' },
  'signin.provisioned': { user: 'ana' },
  'upstream.down': { attachment: 'INFERENCE', model: 'claude', cause: 'timeout', only_team: 'acme' },
  'upstream.recovered': { attachment: 'INFERENCE', model: null, down_for_s: 60 },
  'upstream.key_refused': { attachment: 'INFERENCE', status: 401 },
  'store.filling': { level: 80, used_bytes: 20_000_000, max_bytes: 25_000_000 },
  'records.lag': { entries: 1, refusals: 2, audit: 3, bytes: 4, oldest_at: at, drained_at: at },
  'records.gap': { stream: 'entries', missing: 12, reason: 'It left the store before it was drained.' },
  'audit.head': { day: '2027-01-04', sequence: 812, hash: 'abc' },
  'spend.anomaly': { day: '2027-01-04', cost_usd: 42.5, mean_usd: 7 },
  'usage.digest': {
    from: '2026-12-28',
    to: '2027-01-03',
    requests: 1_200,
    input_tokens: 5,
    output_tokens: 6,
    images: 1,
    errors: 0,
    cost_usd: 12.345,
    before: { requests: 1_000, cost_usd: 10 },
    users: [],
    more_users: 0,
  },
  'webhook.disabled': { webhook: 'wh_1', host: 'hooks.example.com', because: 'It answered 410: gone.' },
  'webhook.test': { webhook: 'wh_1', actor: 'root' },
};

const event = (type: string, data: object, team: string | null = 'acme'): SentEvent => ({
  id: '1-0',
  timeMs: 0,
  type,
  team,
  data: data as SentEvent['data'],
});

describe('an event as a sentence', () => {
  it.each(eventNames)('says what %s says, with its figures', (type) => {
    const text = eventText(event(type, samples[type]));
    expect(text).not.toContain('An event of the type'); // its data are not understood
    expect(text).not.toMatch(/undefined|null|NaN|\n/);
    expect(text).toMatch(/^\S.*[.!]$/);
  });

  it('names the limit and the team', () => {
    expect(eventText(event('limit.reached', samples['limit.reached']))).toBe(
      '80 % of the limit of 1,000,000 tokens per day of team acme is used: 812,345 tokens. It starts anew at 2027-01-04T12:00:00.000Z.',
    );
  });

  it('names some of many tokens', () => {
    expect(eventText(event('token.unused', samples['token.unused']))).toBe(
      `10 tokens of team acme can be used, and for at least 30 days nobody did: ${'tok_1 "laptop" of ana, '.repeat(4)}tok_1 "laptop" of ana and 5 more.`,
    );
    expect(eventText(event('token.expiring', samples['token.expiring']))).toBe(
      '1 token of team acme will expire within 1 day: tok_1 "laptop" of ana.',
    );
  });

  it('does not lead to a page that a stranger has reported', () => {
    expect(eventText(event('token.leaked', samples['token.leaked']))).not.toContain('evil');
  });

  it('is general for what this version does not know', () => {
    expect(eventText(event('moon.full', {}))).toBe('An event of the type moon.full of team acme.');
    expect(eventText(event('token.claimed', {}, null))).toBe('An event of the type token.claimed.');
    expect(eventText(event('constructor', {}, null))).toBe('An event of the type constructor.');
  });

  it('stays on its line', () => {
    const name = 'a\nb\u202Ec';
    expect(eventText(event('token.rotated', { ...token, name, actor: 'root' }))).toContain('"a b c"');
  });
});

describe('a text in a chat', () => {
  const slack = new URL('https://hooks.slack.com/services/T0/B0/x');
  const discord = new URL('https://discord.com/api/webhooks/1/x');
  const teams = new URL('https://prod-1.westeurope.logic.azure.com:443/workflows/1?sig=x');
  const nasty = 'token "<!channel> <https://evil.example|here> @everyone [x](https://evil.example)" & more';

  it('mentions nobody and links nowhere in Slack', () => {
    expect(chatBody(slack, nasty)).toEqual({
      url: slack,
      body: {
        text: 'token "&lt;!channel&gt; &lt;https://evil.example|here&gt; @everyone [x](https://evil.example)" &amp; more',
      },
    });
  });

  it('mentions nobody and links nowhere in chats that take the form of Slack', () => {
    const { body } = chatBody(
      new URL('https://mattermost.example/hooks/x'),
      '@channel [x](https://evil.example)',
    );
    expect(body).toEqual({ text: '@\u200Bchannel [\u200Bx]\u200B(https://evil.example)' });
  });

  it('mentions nobody and has no Markdown in Discord', () => {
    const { url, body } = chatBody(discord, nasty);
    expect(url.href).toBe(discord.href);
    expect(body).toMatchObject({ allowed_mentions: { parse: [] } });
    expect(JSON.stringify(body)).toContain(String.raw`\\[x\\]\\(https`);
    expect(chatBody(new URL(`${discord.href}/slack`), 'a').url.href).toBe(discord.href);
  });

  it('is an adaptive card without Markdown in Teams', () => {
    expect(chatBody(teams, nasty).body).toMatchObject({
      type: 'message',
      attachments: [
        {
          contentType: 'application/vnd.microsoft.card.adaptive',
          content: {
            type: 'AdaptiveCard',
            body: [{ type: 'RichTextBlock', inlines: [{ type: 'TextRun', text: nasty }] }],
          },
        },
      ],
    });
  });

  it('is not taken for a chat by a name that only ends like one', () => {
    expect(chatBody(new URL('https://notdiscord.com/api/webhooks/1/x'), 'a').body).toEqual({ text: 'a' });
    expect(chatBody(new URL('https://discord.com.example/api/webhooks/1/x'), 'a').body).toEqual({
      text: 'a',
    });
  });

  it.each([
    [slack, 4_000, (body: object) => ('text' in body ? String(body.text) : '')],
    [discord, 2_000, (body: object) => ('content' in body ? String(body.content) : '')],
  ])('is as long as %s takes', (url, maxLength, textIn) => {
    for (const text of ['a'.repeat(9_000), '<'.repeat(9_000), '😀'.repeat(4_500), '_a'.repeat(3_000)]) {
      const shown = textIn(chatBody(url, text).body);
      expect(shown.length).toBeLessThanOrEqual(maxLength);
      expect(shown.length).toBeGreaterThan(maxLength * 0.8);
      expect(shown.endsWith('…')).toBe(true);
      expect(shown.isWellFormed()).toBe(true);
      expect(shown.slice(0, -1)).not.toMatch(/&[a-z]*$|\\$/);
    }
  });
});

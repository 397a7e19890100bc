import { describe, expect, it } from 'vitest';
import type { Finding } from '../../../src/doctor/finding.ts';
import { reachOf, type WebhookFacts } from '../../../src/doctor/webhook-facts.ts';
import { webhookFindings } from '../../../src/doctor/webhook-findings.ts';
import { canaryPath, webhookRecord } from '../../support/webhooks.ts';

const well: WebhookFacts = {
  webhook: webhookRecord(),
  waiting: 0,
  failingSinceMs: null,
  reach: 'allowed',
};
const failing = { failingSinceMs: Date.parse('2026-01-31T12:00:00Z'), waiting: 7 };
const disabled = {
  webhook: webhookRecord({
    team: 'acme',
    disabled_at: '2026-01-31T12:00:00.000Z',
    disabled_because: 'It answered 410: gone.',
  }),
};

const troubles = (findings: readonly Finding[]): string[] =>
  findings.filter(({ state }) => state !== 'ok').map(({ check, state }) => `${check}: ${state}`);

describe('webhooks', () => {
  it.each<[string, Partial<WebhookFacts>, string[]]>([
    ['is well', {}, []],
    ['is disabled', disabled, ['webhook.state: warning']],
    ['fails', failing, ['webhook.state: warning']],
    ['may not be sent to', { reach: 'refused' }, ['webhook.address: warning']],
    [
      'has a private address, which is why it fails',
      { ...failing, reach: 'private' },
      ['webhook.address: warning'],
    ],
    ['has no address', { reach: 'unresolved' }, ['webhook.address: warning']],
    [
      'is disabled, and has no address',
      { ...disabled, reach: 'unresolved' },
      ['webhook.state: warning', 'webhook.address: warning'],
    ],
  ])(
    'of which one %s are told as that, with its host and no more of its address',
    (_what, changed, expected) => {
      const findings = webhookFindings([well, { ...well, ...changed }]);
      expect(troubles(findings)).toEqual(expected);
      const text = JSON.stringify(findings);
      expect(text).not.toContain(canaryPath);
      expect(text.includes('hooks.example.com')).toBe(expected.length > 0);
    },
  );

  it('say what is wrong, and what to do', () => {
    const [count, off] = webhookFindings([well, { ...well, ...disabled }]);
    expect(count?.says).toBe('1 of 2 webhooks can be sent to.');
    expect(off).toMatchObject({
      says: 'wh_000000000001 of acme (hooks.example.com) is disabled since 2026-01-31T12:00:00.000Z: It answered 410: gone.',
      remedy: 'Mend what receives, then npm run tollgate -- webhook enable wh_000000000001 --team acme',
    });
    const [, behind] = webhookFindings([{ ...well, ...failing }]);
    expect(behind?.says).toBe(
      'wh_000000000001 of the gateway (hooks.example.com) takes nothing since 2026-01-31T12:00:00.000Z; events that wait for it: 7.',
    );
  });

  it('are no trouble if there are none, and at most 20 are told one by one', () => {
    expect(troubles(webhookFindings([]))).toEqual([]);
    const many = webhookFindings(Array.from({ length: 25 }, () => ({ ...well, ...failing })));
    expect(many).toHaveLength(22);
    expect(many.at(-1)?.says).toBe('There are 5 more findings of this kind.');
  });
});

describe('the address of a webhook', () => {
  const patient = { privateHosts: new Set(['127.0.0.1:1', 'localhost']), timeoutMs: 60_000 };
  const standsFor =
    (...addresses: string[]) =>
    () =>
      Promise.resolve(addresses);

  it.each([
    ['https://hooks.example.com/x', standsFor('1.1.1.1', '2606:4700::1111'), 'allowed'],
    ['https://hooks.example.com/x', standsFor('1.1.1.1', '10.0.0.1'), 'private'],
    ['https://hooks.example.com/x', standsFor(), 'unresolved'],
    ['https://hooks.example.com/x', () => Promise.reject(new Error('ENOTFOUND')), 'unresolved'],
    ['https://1.1.1.1/', standsFor('127.0.0.1'), 'allowed'],
    ['https://127.0.0.1/', standsFor('1.1.1.1'), 'refused'],
    ['http://hooks.example.com/', standsFor('1.1.1.1'), 'refused'],
    ['http://127.0.0.1:1/', standsFor(), 'allowed'],
    ['http://localhost/', standsFor(), 'allowed'],
  ])('%s is looked at as before it is sent to (%#)', async (url, resolve, expected) => {
    expect(await reachOf(url, { ...patient, resolve })).toBe(expected);
  });

  it('is unresolved if the name server is silent', async () => {
    const resolve = () => new Promise<string[]>(() => undefined);
    expect(await reachOf('https://hooks.example.com', { ...patient, timeoutMs: 1, resolve })).toBe(
      'unresolved',
    );
  });
});

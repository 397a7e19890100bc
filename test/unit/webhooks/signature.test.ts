import { Webhook as Verifier } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { signaturesOf } from '../../../src/webhooks/signature.ts';
import { signingSecret } from '../../support/webhooks.ts';

const nowMs = Date.UTC(2027, 0, 4);
const body = '{"type":"webhook.test","timestamp":"2027-01-04T00:00:00.000Z","data":{"ä":"€"}}';

describe('the signature of a message', () => {
  it('is that of Standard Webhooks', () => {
    const timestampS = Math.floor(Date.now() / 1_000); // the package compares it with the clock
    const signature = signaturesOf([{ text: signingSecret(7) }], { id: 'evt_1-0', timestampS, body }, nowMs);
    const headers = {
      'webhook-id': 'evt_1-0',
      'webhook-timestamp': String(timestampS),
      'webhook-signature': signature,
    };
    expect(new Verifier(signingSecret(7)).verify(body, headers)).toEqual(JSON.parse(body));
    expect(() => new Verifier(signingSecret(8)).verify(body, headers)).toThrow();
    expect(() => new Verifier(signingSecret(7)).verify(`${body} `, headers)).toThrow();
  });

  it('is the one of the specification for its example', () => {
    // github.com/standard-webhooks/standard-webhooks, the tests of its reference libraries
    const signature = signaturesOf(
      [{ text: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' }],
      { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestampS: 1_614_265_330, body: '{"test": 2432232314}' },
      nowMs,
    );
    expect(signature).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  });

  it('is two during a rotation, and one when the older secret is over', () => {
    const secrets = [
      { text: signingSecret(2) },
      { text: signingSecret(1), until: new Date(nowMs + 1).toISOString() },
    ];
    const message = { id: 'evt_1-0', timestampS: 1, body };
    const [newer, older] = secrets.map(({ text }) => signaturesOf([{ text }], message, nowMs));
    expect(signaturesOf(secrets, message, nowMs)).toBe(`${newer} ${older}`);
    expect(signaturesOf(secrets, message, nowMs + 1)).toBe(newer);
  });
});

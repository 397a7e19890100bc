import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Refusal } from '../../../src/base/refusal.ts';
import { Rig } from './exchange-rig.ts';

const json = 'application/json';
const sse = 'text/event-stream';
const answer = '{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}';
const event = 'data: {"choices":[{"delta":{"content":"word"}}]}\n\n';
const done = 'data: [DONE]\n\n';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

type Phase = 'unsent' | 'sent' | 'collecting' | 'passing' | 'ending' | 'over';
type Event = 'ends' | 'breaks off' | 'caller leaves' | 'silence' | 'shutdown';

/** An exchange in a phase. */
function inPhase(kind: 'plain' | 'stream', phase: Phase): Rig {
  const stream = kind === 'stream';
  const rig = new Rig({ stream });
  if (phase === 'unsent') return rig;
  rig.send();
  if (phase === 'sent') return rig;
  if (phase === 'collecting') return rig.head(400, json).data('{"message":"no"}');
  rig.head(200, stream ? sse : json).data(stream ? event : answer);
  if (phase === 'passing') return rig;
  // The end is told, but the reader has not taken it yet.
  rig.response.isFull = phase === 'ending';
  if (stream) rig.data(done);
  rig.end();
  return rig;
}

const play: Record<Event, (rig: Rig) => void> = {
  ends: (rig) => rig.end(),
  'breaks off': (rig) => rig.breakOff(),
  'caller leaves': (rig) => rig.response.close(),
  silence: () => vi.advanceTimersByTime(60_100),
  shutdown: (rig) => rig.exchange.shutDown(),
};

/** What the caller has got since, errors by their code. */
function told({ response }: Rig, from: number): string {
  return response.wrote
    .slice(from)
    .map((text) =>
      text
        .replace(/\{"error":.*"code":"(\w+)".*\}/, '<$1>')
        .replaceAll('\n', ' ')
        .trim(),
    )
    .join(' ');
}

const unreachable = '502 <upstream_unreachable> (end)';
const restarts = '503 <overloaded> (end)';
const timeOut = '504 <upstream_timeout> (end)';
const refused = '400 <upstream_error> (end)';
const kept = ': keep-alive : keep-alive event: error data: <upstream_timeout> (cut)';

/** Kind, phase, event; how it is settled (ending, status, outcome, error code); what the caller gets. */
const table: [kind: 'plain' | 'stream', Phase, Event, settled: string, wrote: string][] = [
  ['plain', 'unsent', 'breaks off', 'not_taken 502 error upstream_unreachable', unreachable],
  ['plain', 'unsent', 'caller leaves', 'not_taken 499 aborted ', ''],
  ['plain', 'unsent', 'silence', 'not_taken 504 error upstream_timeout', timeOut],
  ['plain', 'unsent', 'shutdown', 'not_taken 503 error shutdown', restarts],
  ['plain', 'sent', 'breaks off', 'not_taken 502 error upstream_unreachable', unreachable],
  ['plain', 'sent', 'caller leaves', 'left 499 aborted ', ''],
  ['plain', 'sent', 'silence', 'failed 504 error upstream_timeout', timeOut],
  ['plain', 'sent', 'shutdown', 'broken 503 error shutdown', restarts],
  ['plain', 'collecting', 'ends', 'rejected 400 error upstream_error', refused],
  ['plain', 'collecting', 'breaks off', 'rejected 400 error upstream_error', refused],
  ['plain', 'collecting', 'caller leaves', 'left 499 aborted ', ''],
  ['plain', 'collecting', 'silence', 'failed 504 error upstream_timeout', timeOut],
  ['plain', 'collecting', 'shutdown', 'broken 503 error shutdown', restarts],
  ['plain', 'passing', 'ends', 'answered 200 ok ', `200 ${answer} (end)`],
  ['plain', 'passing', 'breaks off', 'broken 502 error upstream_error', '502 <upstream_error> (end)'],
  ['plain', 'passing', 'caller leaves', 'left 499 aborted ', ''],
  ['plain', 'passing', 'silence', 'broken 200 error upstream_timeout', '200 (head) (cut)'],
  ['plain', 'passing', 'shutdown', 'broken 503 error shutdown', restarts],
  ['stream', 'unsent', 'breaks off', 'not_taken 502 error upstream_unreachable', unreachable],
  ['stream', 'unsent', 'caller leaves', 'not_taken 499 aborted ', ''],
  ['stream', 'unsent', 'silence', 'not_taken 200 error upstream_timeout', `200 ${kept}`],
  ['stream', 'unsent', 'shutdown', 'not_taken 503 error shutdown', restarts],
  ['stream', 'sent', 'breaks off', 'not_taken 502 error upstream_unreachable', unreachable],
  ['stream', 'sent', 'caller leaves', 'broken 499 aborted ', ''],
  ['stream', 'sent', 'silence', 'failed 200 error upstream_timeout', `200 ${kept}`],
  ['stream', 'sent', 'shutdown', 'broken 503 error shutdown', restarts],
  ['stream', 'collecting', 'ends', 'rejected 400 error upstream_error', refused],
  ['stream', 'collecting', 'breaks off', 'rejected 400 error upstream_error', refused],
  ['stream', 'collecting', 'caller leaves', 'broken 499 aborted ', ''],
  ['stream', 'collecting', 'silence', 'failed 200 error upstream_timeout', `200 ${kept}`],
  ['stream', 'collecting', 'shutdown', 'broken 503 error shutdown', restarts],
  [
    'stream',
    'passing',
    'ends',
    'broken 200 error upstream_error',
    'event: error data: <upstream_error> (cut)',
  ],
  [
    'stream',
    'passing',
    'breaks off',
    'broken 200 error upstream_error',
    'event: error data: <upstream_error> (cut)',
  ],
  ['stream', 'passing', 'caller leaves', 'broken 200 aborted ', ''],
  ['stream', 'passing', 'silence', 'broken 200 error upstream_timeout', kept],
  ['stream', 'passing', 'shutdown', 'broken 200 error shutdown', 'event: error data: <overloaded> (cut)'],
];
for (const kind of ['plain', 'stream'] as const) {
  for (const what of ['ends', 'breaks off', 'caller leaves', 'silence', 'shutdown'] as const) {
    for (const phase of ['ending', 'over'] as const) table.push([kind, phase, what, 'answered 200 ok ', '']);
  }
}

describe('an exchange', () => {
  it.each(table)('%s, %s: %s', (kind, phase, what, settled, wrote) => {
    const rig = inPhase(kind, phase);
    const before = rig.response.wrote.length;
    play[what](rig);
    vi.advanceTimersByTime(1_000);
    expect(rig.settled).toBe(settled);
    expect(told(rig, before)).toBe(wrote);
    // Nothing changes any more, whatever comes.
    for (const later of Object.values(play)) later(rig);
    expect(rig.settled).toBe(settled);
    expect(told(rig, before)).toBe(wrote);
    expect(rig.open.size).toBe(0);
    expect(rig.upstreamCall.abandoned).toBeGreaterThan(0);
    rig.open.close();
  });

  it.each<['plain' | 'stream', number, string, string]>([
    ['plain', 200, 'text/html', 'failed 502 error upstream_error'],
    ['plain', 200, sse, 'failed 502 error upstream_error'],
    ['stream', 200, json, 'failed 502 error upstream_error'],
    ['plain', 302, json, 'failed 502 error upstream_error'],
    ['plain', 404, json, 'rejected 404 error upstream_error'],
    ['plain', 401, json, 'not_taken 502 error upstream_auth_failed'],
    ['plain', 403, 'text/html', 'not_taken 400 error upstream_blocked'],
    ['plain', 429, json, 'not_taken 429 error upstream_rate_limited'],
    ['stream', 500, json, 'failed 502 error upstream_error'],
  ])('%s, answered %i as %s', (kind, status, type, settled) => {
    const rig = inPhase(kind, 'sent');
    rig
      .head(status, type)
      .data(type === json ? '{"message":"no"}' : '<html>')
      .end();
    expect(rig.settled).toBe(settled);
    rig.open.close();
  });

  it.each<['plain' | 'stream', number, string, string, string]>([
    ['plain', 200, json, '{"error":{"message":"no"}}', 'failed 502 error upstream_error'],
    ['plain', 200, json, '{"error":"no"}', 'failed 502 error upstream_error'],
    ['plain', 200, json, '{"code":500,"message":"no"}', 'failed 502 error upstream_error'],
    ['plain', 200, json, '', 'failed 502 error upstream_error'],
    ['plain', 200, json, ' ', 'failed 502 error upstream_error'],
    ['plain', 200, json, 'null', 'failed 502 error upstream_error'],
    ['plain', 200, json, '{"choices":[', 'failed 502 error upstream_error'],
    ['plain', 204, json, '', 'failed 502 error upstream_error'],
    ['plain', 205, json, answer, 'failed 502 error upstream_error'],
    ['plain', 200, '', answer, 'answered 200 ok '],
    ['plain', 200, '', `\ufeff${answer}`, 'answered 200 ok '],
    ['plain', 200, '', '<html>', 'failed 502 error upstream_error'],
    ['plain', 200, '', '', 'failed 502 error upstream_error'],
    ['stream', 200, '', event + done, 'answered 200 ok '],
    ['stream', 200, '', `\ufeff${event}${done}`, 'answered 200 ok '],
    ['stream', 200, '', `: hi\n\n${event}${done}`, 'answered 200 ok '],
    ['stream', 200, '', '{"error":"no"}', 'failed 502 error upstream_error'],
    ['stream', 200, '', '<html>', 'failed 502 error upstream_error'],
    ['stream', 200, '', '', 'failed 502 error upstream_error'],
    ['stream', 200, json, '{"error":"no"}', 'failed 502 error upstream_error'],
    ['stream', 204, sse, '', 'failed 502 error upstream_error'],
  ])('%s, answered %i as "%s" with %j', (kind, status, type, body, settled) => {
    const rig = inPhase(kind, 'sent').head(status, type);
    if (body !== '') rig.data(body);
    rig.end();
    expect(rig.settled).toBe(settled);
    if (body.includes('no')) expect(rig.response.wrote.join()).toContain(': no');
    rig.open.close();
  });

  it('tells an error without the key, and no more of it than 64 kB', () => {
    const rig = inPhase('plain', 'sent').head(400, json).data('{"message":"not inf-secret"}');
    rig.end();
    expect(rig.response.wrote.join()).toContain('not ***');
    const long = inPhase('plain', 'sent').head(400, json).data('x'.repeat(65_536));
    expect(long.settled).toBe('rejected 502 error upstream_error'); // it is not JSON
    for (const { open } of [rig, long]) open.close();
  });

  it('is charged for an earlier attempt that failed after it was sent', () => {
    const rig = inPhase('plain', 'unsent');
    rig.upstreamCall.spent = true;
    rig.exchange.refuse(new Refusal('upstream_rate_limited', 'Try again.'));
    expect(rig.settled).toBe('failed 429 error upstream_rate_limited');
    rig.open.close();
  });

  it('ends a plain call that has no answer in time, whatever the upstream sends', () => {
    const rig = inPhase('plain', 'collecting');
    for (let n = 0; n < 301; n += 1) {
      vi.advanceTimersByTime(1_000);
      rig.data('x');
    }
    expect(rig.settled).toBe('failed 504 error upstream_timeout');
    rig.open.close();
  });

  it('stops the answer while the reader is slow, and does not take that for silence', () => {
    const rig = inPhase('stream', 'passing');
    rig.response.isFull = true;
    rig.data(event);
    expect(rig.isPaused).toBe(true);
    vi.advanceTimersByTime(120_000);
    expect(rig.settled).toBe('');
    rig.response.isFull = false;
    rig.response.emit('drain');
    expect(rig.isPaused).toBe(false);
    rig.data(done).end();
    expect(rig.settled).toBe('answered 200 ok ');
    rig.open.close();
  });

  it.each<[Event | 'a second goes by', string]>([
    ['ends', 'data: [DONE] (end)'],
    ['breaks off', 'data: [DONE] (end)'],
    ['caller leaves', ''],
    ['a second goes by', 'data: [DONE] (end)'],
    ['shutdown', 'data: [DONE] (end)'],
  ])('of a kept stream whose end mark has come is answered, whatever follows: %s', (what, wrote) => {
    const rig = new Rig({ stream: true, keeps: true }).send().head(200, sse).data(event).data(done);
    expect(rig.settled).toBe('');
    const before = rig.response.wrote.length;
    if (what === 'a second goes by') vi.advanceTimersByTime(1_100);
    else play[what](rig);
    expect(rig.settled).toBe('answered 200 ok ');
    if (wrote !== '') expect(told(rig, before)).toBe(wrote);
    expect(rig.open.size).toBe(0);
    expect(rig.upstreamCall).toMatchObject({ failures: 0 });
    rig.open.close();
  });

  it.each(['plain', 'stream'] as const)('awaits the settlement before the answer ends: %s', async (kind) => {
    const rig = inPhase(kind, 'passing');
    let settle = (): void => undefined;
    rig.settling = new Promise((resolve) => (settle = resolve));
    if (kind === 'stream') rig.data(done);
    rig.end();
    expect(rig.settled).toBe('answered 200 ok ');
    expect(rig.response.wrote.join('')).not.toMatch(/\[DONE\]|\(end\)/);
    settle();
    await vi.advanceTimersByTimeAsync(0);
    expect(rig.response.wrote.at(-1)).toBe('(end)');
    rig.open.close();
  });

  it('reports what came: usage, and an estimate of text without usage', () => {
    const [plain, stream] = [inPhase('plain', 'over'), inPhase('stream', 'passing')];
    expect(plain.outcomes[0]).toMatchObject({
      usage: { inputTokens: 3, outputTokens: 2 },
      unreportedTokens: 0,
      accepted: true,
      upstream: { status: 200 },
      sentTo: { attachment: 'A', model: 'm' },
    });
    stream.response.close();
    expect(stream.outcomes[0]).toMatchObject({ usage: null, unreportedTokens: 1, accepted: true });
    for (const { open } of [plain, stream]) open.close();
  });

  it('is over and settled at once if the caller left before it began', () => {
    const rig = new Rig({ stream: false, hasLeft: true });
    expect(rig.exchange.over).toBe(true);
    expect(rig.settled).toBe('not_taken 499 aborted ');
    rig.open.close();
  });
});

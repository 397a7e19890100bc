import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Attempts, type AttemptedRequest, type AttemptRules } from '../../../src/upstream/attempts.ts';
import { stateOf } from '../../../src/upstream/circuit-breaker.ts';
import { RequestQueue } from '../../../src/upstream/request-queue.ts';
import type { Upstream } from '../../../src/upstream/upstream.ts';
import { FakeHandler, type FakeRequest, FakeUpstream } from './fake-upstream.ts';

const json = { 'content-type': 'application/json' };
const html = { 'content-type': 'text/html' };
const clock = { now: () => Date.now(), monotonic: () => Date.now() };
const body = Buffer.from('{}');

type Play = (request: FakeRequest) => void;
const answers =
  (status: number, headers: Record<string, string> = json): Play =>
  (request) =>
    request.answer(status, headers);
const isRefused: Play = (request) => request.fail('ECONNREFUSED');
const isReset: Play = (request) => request.send().fail('ECONNRESET');
const isNotHttp: Play = (request) => request.send().fail('HPE_INVALID', 'HTTPParserError');

function requestTo(candidates: Upstream[]): AttemptedRequest {
  return {
    call: { requestId: 'id', incoming: { headers: {} } },
    asked: { model: 'own', isModelKnown: true, candidates, body, adjusted: [], admit: null },
    fallback: () => null,
    path: '/v1/x',
    stream: false,
    pinned: false,
    team: 'acme',
    tokens: 1,
    isRepeatable: true,
  };
}

/** A request under way, to attachments that the test answers. */
class Trial {
  readonly handler = new FakeHandler();
  readonly log: string[] = [];
  /** What is the own trouble of an attachment. */
  readonly troubles: string[] = [];
  readonly queue = new RequestQueue({ clock, max: 2, maxOfTeam: 1 });
  readonly upstreams: FakeUpstream[];
  readonly rules: AttemptRules;
  readonly attempts: Attempts;

  constructor(
    names: string,
    { rules = {}, ...request }: Partial<AttemptedRequest> & { rules?: Partial<AttemptRules> } = {},
  ) {
    this.upstreams = names.split('').map((name) => new FakeUpstream(name));
    this.rules = {
      clock,
      queue: this.queue,
      observer: {
        gaveUp: ({ attachment, cause, status }) => this.log.push(`${attachment} ${cause} ${status}`),
        circuitOpened: ({ attachment }) => this.log.push(`${attachment} opened`),
        circuitClosed: ({ attachment }) => this.log.push(`${attachment} closed`),
        isOut: ({ attachment, model }) => this.troubles.push(`${attachment} ${model} down`),
        keyRefused: ({ attachment, status }) => this.troubles.push(`${attachment} ${status}`),
      },
      maxAttempts: 3,
      deadlineMs: 60_000,
      maxWaitMs: 10_000,
      repairs: { repair: () => null },
      ...rules,
    };
    this.handler.startedMs = Date.now();
    this.attempts = new Attempts(this.rules, { ...requestTo(this.upstreams), ...request });
  }

  begin(): this {
    this.handler.nowMs = Date.now();
    this.attempts.begin(this.handler);
    return this;
  }

  /** Time passes, and the ticker of the exchanges with it. */
  pass(ms: number): this {
    vi.advanceTimersByTime(ms);
    this.handler.nowMs = Date.now();
    return this;
  }

  /** The request that was sent last to the n-th attachment. */
  sentTo(n: number): FakeRequest {
    const request = this.upstreams[n]?.pool.last;
    if (!request) throw new Error(`There is no attachment ${n}.`);
    return request;
  }

  /** How many requests each attachment got. */
  get counts(): number[] {
    return this.upstreams.map(({ pool }) => pool.requests.length);
  }

  /** Uses up what a key has left. */
  exhaust(n: number, forMs: number): void {
    const quota = this.upstreams[n]?.quota;
    const requests = { remaining: 0, limit: 10, resetAtMs: Date.now() + forMs };
    quota?.recordSnapshot(
      { atMs: Date.now(), blockedUntilMs: 0, requests, tokens: null },
      quota.recordSent(1),
      'acme',
    );
  }
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe('the result of an attempt, if another attachment is there', () => {
  it.each<[string, Play, string]>([
    ['429', answers(429, { ...json, 'retry-after': '3' }), 'a limited 429'],
    ['401', answers(401), 'a key 401'],
    ['403 as JSON', answers(403), 'a key 403'],
    ['502', answers(502), 'a failing 502'],
    ['503', answers(503), 'a failing 503'],
    ['504', answers(504), 'a failing 504'],
    ['no connection', isRefused, 'a unconnected null'],
    ['a reset', isReset, 'a reset null'],
  ])('is given up: %s', (_, play, told) => {
    const trial = new Trial('ab').begin();
    play(trial.sentTo(0));
    expect(trial.attempts.sent).toBe(false);
    trial.pass(1_000);
    expect(trial.handler.seen).toEqual([]);
    trial.sentTo(1).answer(200);
    expect(trial.handler.seen).toEqual(['200', 'data', 'end']);
    expect(trial.counts).toEqual([1, 1]);
    expect(trial.log).toContain(told);
    expect(trial.attempts.spent).toBe(told.includes('failing'));
  });

  it.each<[string, Play, string[]]>([
    ['200', answers(200), ['200', 'data', 'end']],
    ['302', answers(302), ['302', 'data', 'end']],
    ['400', answers(400), ['400', 'data', 'end']],
    ['403 as HTML', answers(403, html), ['403', 'data', 'end']],
    ['500', answers(500), ['500', 'data', 'end']],
    ['no HTTP', isNotHttp, ['HPE_INVALID']],
    ['a break', (sent) => sent.send().head(200).data('{').fail('ECONNRESET'), ['200', 'data', 'ECONNRESET']],
  ])('is kept: %s', (_, play, seen) => {
    const trial = new Trial('ab').begin();
    play(trial.sentTo(0));
    trial.pass(60_000);
    expect(trial.handler.seen).toEqual(seen);
    expect(trial.counts).toEqual([1, 0]);
  });
});

describe('the result of an attempt, if there is no other attachment', () => {
  it.each<[string, Play, string[]]>([
    ['429', answers(429), ['429', 'data', 'end']],
    ['429 with a long wait', answers(429, { ...json, 'retry-after': '3' }), ['429', 'data', 'end']],
    ['401', answers(401), ['401', 'data', 'end']],
    ['503', answers(503), ['503', 'data', 'end']],
    ['a reset', isReset, ['ECONNRESET']],
  ])('is kept: %s', (_, play, seen) => {
    const trial = new Trial('a').begin();
    play(trial.sentTo(0));
    trial.pass(60_000);
    expect(trial.handler.seen).toEqual(seen);
    expect(trial.counts).toEqual([1]);
  });

  it('is no connection: it is asked once more', () => {
    const trial = new Trial('a').begin();
    isRefused(trial.sentTo(0));
    trial.pass(1_000);
    isRefused(trial.sentTo(0));
    trial.pass(1_000);
    expect(trial.counts).toEqual([2]);
    expect(trial.handler.seen).toEqual(['ECONNREFUSED']);
  });

  it('is no connection after a long time: it is not asked again', () => {
    const trial = new Trial('a').begin();
    trial.pass(1_001);
    isRefused(trial.sentTo(0));
    expect(trial.handler.seen).toEqual(['ECONNREFUSED']);
  });

  it('is a 429 with a short wait: it is asked once more after that', () => {
    const trial = new Trial('a').begin();
    const limited = answers(429, { ...json, 'retry-after': '2' });
    limited(trial.sentTo(0));
    trial.pass(1_900);
    expect([trial.counts, trial.queue.size]).toEqual([[1], 1]);
    trial.pass(200);
    expect([trial.counts, trial.queue.size]).toEqual([[2], 0]);
    limited(trial.sentTo(0));
    expect(trial.handler.seen).toEqual(['429', 'data', 'end']);
    expect(trial.attempts.retryAfterMs).toBe(2_000);
  });
});

describe('no other attempt is made', () => {
  it('after as many as are allowed', () => {
    const trial = new Trial('abcd').begin();
    for (const n of [0, 1, 2]) {
      trial.sentTo(n).answer(503);
      trial.pass(1_000);
    }
    expect(trial.counts).toEqual([1, 1, 1, 0]);
    expect(trial.handler.seen).toEqual(['503', 'data', 'end']);
  });

  it('once the deadline is over', () => {
    const trial = new Trial('ab', { rules: { deadlineMs: 5_000 } }).begin();
    trial.pass(5_000).sentTo(0).answer(503);
    expect(trial.handler.seen[0]).toBe('503');
  });

  it('once the caller has a head', () => {
    const trial = new Trial('ab').begin();
    trial.handler.begun = true;
    trial.sentTo(0).answer(503);
    expect(trial.handler.seen[0]).toBe('503');
  });

  it.each<[string, Play, boolean]>([
    ['503', answers(503), false],
    ['a reset', isReset, false],
    ['401', answers(401), true],
    ['429', answers(429), true],
    ['no connection', isRefused, true],
  ])('of a request that must not run twice, if the upstream may have begun: %s', (_, play, repeats) => {
    const trial = new Trial('ab', { isRepeatable: false }).begin();
    play(trial.sentTo(0));
    trial.pass(1_000);
    expect(trial.counts).toEqual([1, repeats ? 1 : 0]);
  });
});

describe('an answer that is given up', () => {
  it('is read to its end', () => {
    const trial = new Trial('ab').begin();
    const given = trial.sentTo(0).send().head(503);
    given.data('{}').end();
    trial.pass(5_000);
    expect(given.aborted).toBe(false);
  });

  it('is cut if it is long, or takes long', () => {
    const [long, slow] = [new Trial('ab').begin(), new Trial('ab').begin()];
    long.sentTo(0).send().head(503).data(Buffer.alloc(65_537));
    slow.sentTo(0).send().head(503);
    expect([long.sentTo(0).aborted, slow.sentTo(0).aborted]).toEqual([true, false]);
    slow.pass(1_000);
    expect(slow.sentTo(0).aborted).toBe(true);
    expect([...long.handler.seen, ...slow.handler.seen]).toEqual([]);
  });

  it('is none yet at a 1xx', () => {
    const trial = new Trial('ab').begin();
    trial.sentTo(0).send().head(103).head(200);
    expect(trial.handler.seen).toEqual(['200']);
  });
});

describe('a caller that leaves', () => {
  it.each<[string, (trial: Trial) => void]>([
    ['before the request is sent', () => undefined],
    ['before a head', ({ attempts }) => attempts],
    ['during the answer', (trial) => trial.sentTo(0).head(200)],
  ])('aborts the attempt: %s', (when, play) => {
    const trial = new Trial('ab').begin();
    const request = trial.sentTo(0);
    if (!when.endsWith('is sent')) request.send();
    play(trial);
    trial.attempts.abandon();
    if (when.endsWith('is sent')) request.send();
    expect(request.aborted).toBe(true);
    trial.pass(60_000);
    expect(trial.counts).toEqual([1, 0]);
  });

  it('during a pause prevents the next attempt', () => {
    const trial = new Trial('ab').begin();
    trial.sentTo(0).answer(503);
    trial.attempts.abandon();
    trial.pass(60_000);
    expect(trial.counts).toEqual([1, 0]);
    expect(trial.handler.seen).toEqual([]);
  });

  it('leaves the queue', () => {
    const trial = new Trial('a');
    trial.exhaust(0, 5_000);
    trial.begin();
    expect(trial.queue.size).toBe(1);
    trial.attempts.abandon();
    expect(trial.queue.size).toBe(0);
    trial.pass(60_000);
    expect([trial.counts, trial.handler.seen]).toEqual([[0], []]);
  });
});

describe('a request without quota', () => {
  it('goes to a key that has some', () => {
    const trial = new Trial('ab');
    trial.exhaust(0, 5_000);
    expect(trial.begin().counts).toEqual([0, 1]);
  });

  it('waits until there is some', () => {
    const trial = new Trial('a');
    trial.exhaust(0, 5_000);
    trial.begin().pass(4_900);
    expect(trial.counts).toEqual([0]);
    expect(trial.pass(200).counts).toEqual([1]);
  });

  it('is refused when its time is up', () => {
    const trial = new Trial('a');
    trial.exhaust(0, 5_000);
    trial.begin();
    trial.exhaust(0, 30_000);
    trial.pass(10_100);
    expect(trial.handler.seen).toEqual(['upstream_rate_limited 20']);
    expect(trial.queue.size).toBe(0);
  });

  it('is refused at once if the queue has no space for its team', () => {
    const trial = new Trial('a');
    trial.exhaust(0, 5_000);
    const none = (): void => undefined;
    trial.queue.enter({ team: 'acme', deadlineMs: Infinity, ready: () => false, send: none, expire: none });
    trial.begin();
    expect(trial.handler.seen).toEqual(['upstream_rate_limited 5']);
  });

  it('probes if there will be none in time, and the next one is refused meanwhile', () => {
    const trial = new Trial('a');
    trial.exhaust(0, 3_600_000);
    expect(trial.begin().counts).toEqual([1]);
    const next = new Attempts(trial.rules, requestTo(trial.upstreams));
    const handler = new FakeHandler();
    next.begin(handler);
    expect([trial.counts, handler.seen]).toEqual([[1], ['upstream_rate_limited 3600']]);
  });

  it('is sent all the same if no request may wait', () => {
    const trial = new Trial('a', { rules: { maxWaitMs: 0 } });
    trial.exhaust(0, 5_000);
    expect(trial.begin().counts).toEqual([1]);
  });
});

describe('the fallback', () => {
  it('answers for a model whose attachments fail, and the reply says so', () => {
    const other = new FakeUpstream('other');
    const trial = new Trial('a', {
      fallback: () => ({
        model: 'other',
        isModelKnown: true,
        candidates: [other],
        body,
        adjusted: [],
        admit: null,
      }),
    }).begin();
    expect(trial.attempts.headers).toEqual([]);
    trial.sentTo(0).answer(503);
    trial.pass(1_000);
    other.pool.last.answer(200);
    expect(trial.handler.seen).toEqual(['200', 'data', 'end']);
    expect(trial.attempts.headers).toEqual(['x-tollgate-model', 'other']);
    expect([trial.attempts.model, trial.attempts.attachment.name]).toEqual(['other', 'other']);
  });
});

describe('a thousand requests at once, with trouble at random,', () => {
  it('are each answered once, by an attempt that was kept, within the bounds', () => {
    const seeds = Array.from({ length: 20 }, (_, n) => n + 1);
    for (const seed of seeds) playAtRandom(seed);
  });

  /** Fifty requests to three attachments; which is answered next, and how, is up to chance. */
  function playAtRandom(seed: number): void {
    const next = chance(seed);
    vi.spyOn(Math, 'random').mockImplementation(next);
    const upstreams = ['a', 'b', 'c'].map((name) => new FakeUpstream(name));
    const { rules } = new Trial('a', { rules: { maxWaitMs: next() < 0.5 ? 0 : 10_000 } });
    const kinds: readonly Play[] = [
      answers(200),
      answers(200),
      answers(429, { ...json, 'retry-after': '1' }),
      answers(503),
      answers(401),
      isRefused,
      isReset,
      (sent) => sent.send().head(200).data('{').fail('ECONNRESET'),
    ];
    const callers = Array.from({ length: 50 }, () => {
      const handler = new FakeHandler();
      const attempts = new Attempts(rules, requestTo([...upstreams]));
      handler.startedMs = handler.nowMs = Date.now();
      attempts.begin(handler);
      vi.advanceTimersByTime(Math.floor(next() * 100));
      return { handler, attempts };
    });
    const answered = new Set<FakeRequest>();
    const all = (): FakeRequest[] => upstreams.flatMap(({ pool }) => pool.requests);
    for (let n = 0; n < 2_000; n += 1) {
      const waiting = all().filter((request) => !answered.has(request));
      const request = waiting[Math.floor(next() * waiting.length)];
      if (request) {
        answered.add(request);
        kinds[Math.floor(next() * kinds.length)]?.(request);
      }
      vi.advanceTimersByTime(Math.floor(next() * 300));
      for (const { handler } of callers) handler.nowMs = Date.now();
    }
    expect(answered.size).toBe(all().length);
    expect(all().length).toBeLessThanOrEqual(rules.maxAttempts * callers.length);
    for (const { handler } of callers)
      expect(isOneAnswer(handler.seen), `${seed}: ${handler.seen.join()}`).toBe(true);
    expect(rules.queue.size).toBe(0);
  }

  /** One head with all that belongs to it, or one error, or one refusal; nothing after it. */
  function isOneAnswer(seen: readonly string[]): boolean {
    const [head = '', ...rest] = seen;
    if (/^\d+$/.test(head)) return ['data,end', 'data,ECONNRESET'].includes(rest.join());
    return rest.length === 0 && /^(ECONN\w+|upstream_rate_limited \d+)$/.test(head);
  }

  /** The same numbers from 0 to 1 for the same seed (mulberry32). */
  function chance(seed: number): () => number {
    let state = seed;
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
    };
  }
});

describe('the circuit breaker', () => {
  it('opens at a failure, and one probe closes it', () => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    const trial = new Trial('a').begin();
    const [upstream] = trial.upstreams;
    if (!upstream) throw new Error('There is none.');
    const state = (): string => stateOf(upstream.breaker('own', 'acme', Date.now()), Date.now());
    trial.sentTo(0).answer(500);
    expect(state()).toBe('open');
    trial.pass(1_000);
    expect(state()).toBe('half-open');
    const probe = new Attempts(trial.rules, requestTo([upstream]));
    const handler = new FakeHandler();
    handler.nowMs = Date.now();
    probe.begin(handler);
    expect(state()).toBe('open');
    upstream.pool.last.answer(200);
    expect(state()).toBe('closed');
    expect(trial.log).toEqual(['a opened', 'a closed']);
  });

  it('opens if the exchange gives up on the answer, but not if nothing was sent', () => {
    const trial = new Trial('a').begin();
    trial.attempts.recordFailure();
    expect(trial.log).toEqual([]);
    trial.sentTo(0).send();
    trial.attempts.recordFailure();
    expect(trial.log).toEqual(['a opened']);
  });
});

describe('a refusal of what can be changed', () => {
  const words = '{"error":{"message":"Unknown field: store"}}';
  /** Repairs each answer, up to so many times, and notes what it was shown. */
  function repairing(times: number): {
    rules: Partial<AttemptRules>;
    shown: string[];
    confirmed: () => number;
  } {
    const shown: string[] = [];
    let confirmed = 0;
    const repair: AttemptRules['repairs']['repair'] = ({ body: sent, answer }) => {
      shown.push(`${sent.toString()} ${answer}`);
      if (shown.length > times) return null;
      const changed = Buffer.from(JSON.stringify({ n: shown.length }));
      return { body: changed, adjusted: [`n=${shown.length}`], confirm: () => void (confirmed += 1) };
    };
    return { rules: { repairs: { repair } }, shown, confirmed: () => confirmed };
  }

  it('is followed at once by the changed request, at the same attachment', () => {
    const { rules, shown, confirmed } = repairing(1);
    const trial = new Trial('ab', { rules }).begin();
    trial.sentTo(0).send().head(400).data(words.slice(0, 9)).data(words.slice(9)).end();
    expect(trial.counts).toEqual([2, 0]);
    expect(trial.handler.seen).toEqual([]);
    expect(shown).toEqual([`{} ${words}`]);
    expect(trial.sentTo(0).body).toEqual({ n: 1 });
    expect(confirmed()).toBe(0);
    trial.sentTo(0).answer(200);
    expect(confirmed()).toBe(1);
    expect(trial.handler.seen).toEqual(['200', 'data', 'end']);
    expect(trial.attempts.headers).toEqual(['x-tollgate-adjusted', 'n=1']);
    expect(trial.attempts.spent).toBe(false);
    expect(trial.log).toEqual(['a refused 400']);
  });

  it('is passed on whole if it cannot be helped, and nothing is learned', () => {
    const { rules, confirmed } = repairing(1);
    const trial = new Trial('ab', { rules }).begin();
    for (let n = 0; n < 2; n += 1) trial.sentTo(0).answer(422, json, words);
    expect(trial.counts).toEqual([2, 0]);
    expect(trial.handler.seen).toEqual(['422', 'data', 'end']);
    expect(confirmed()).toBe(0);
  });

  it('is helped six times at most', () => {
    const { rules } = repairing(Infinity);
    const trial = new Trial('a', { rules: { ...rules, maxAttempts: 1 } }).begin();
    for (let n = 0; n < 10; n += 1) trial.sentTo(0).answer(400, json, words);
    expect(trial.counts).toEqual([7]);
    expect(trial.handler.seen).toEqual(['400', 'data', 'end']);
  });

  it.each<[string, (trial: Trial) => void, Play]>([
    ['the caller has a head', ({ handler }) => void (handler.begun = true), answers(400)],
    ['its time is over', (trial) => void trial.pass(60_000), answers(400)],
    ['it is another error', () => undefined, answers(404)],
    ['it breaks off', () => undefined, (sent) => sent.send().head(400).data('{').fail('ECONNRESET')],
    ['it is too large', () => undefined, (sent) => sent.send().head(400).data('x'.repeat(70_000)).end()],
  ])('is passed on if %s', (_, arrange, play) => {
    const { rules, shown } = repairing(1);
    const trial = new Trial('a', { rules }).begin();
    arrange(trial);
    play(trial.sentTo(0));
    expect(shown).toEqual([]);
    expect(trial.counts).toEqual([1]);
    expect(trial.handler.seen.slice(0, 2)).toEqual([trial.handler.seen[0], 'data']);
  });

  it('is dropped if the caller leaves while it is read', () => {
    const { rules, shown } = repairing(1);
    const trial = new Trial('a', { rules }).begin();
    const request = trial.sentTo(0).send().head(400).data(words.slice(0, 9));
    trial.attempts.abandon();
    expect(request.aborted).toBe(true);
    expect(shown).toEqual([]);
    expect(trial.counts).toEqual([1]);
  });
});

describe('a kept connection that is reset at once', () => {
  const isStale: Play = (request) => request.send().fail('UND_ERR_SOCKET', 'SocketError', { bytesRead: 200 });

  it('is replaced once, without a pause, and is no failure of the attachment', () => {
    const trial = new Trial('ab').begin();
    isStale(trial.sentTo(0));
    expect(trial.counts).toEqual([2, 0]);
    expect(trial.log).toEqual(['a reset null']);
    isStale(trial.sentTo(0));
    expect(trial.log).toContain('a opened');
    trial.pass(1_000);
    expect(trial.counts).toEqual([2, 1]);
  });

  it.each<[string, string, Partial<AttemptedRequest>, number]>([
    ['the upstream had the request for a while', 'a', {}, 1_001],
    ['a tool could run twice', 'a', { isRepeatable: false }, 0],
  ])('is not replaced if %s', (_, names, request, afterMs) => {
    const trial = new Trial(names, request).begin();
    trial.pass(afterMs);
    isStale(trial.sentTo(0));
    expect(trial.counts).toEqual([1]);
    expect(trial.handler.seen).toEqual(['UND_ERR_SOCKET']);
  });
});

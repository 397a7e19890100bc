import { resourceFromAttributes } from '@opentelemetry/resources';
import { describe, expect, it } from 'vitest';
import * as packaged from '@opentelemetry/semantic-conventions/incubating';
import { noFigures } from '../../../src/base/figures.ts';
import { conventionsVersion, names, operations, resourceNames } from '../../../src/telemetry/conventions.ts';
import { RequestTrace, type TracedEnd } from '../../../src/telemetry/request-trace.ts';
import { type EndedSpan, hrTime, type SpanMaker, spansIn, spansOf } from '../../../src/telemetry/spans.ts';
import { endpoints } from '../../../src/validation/registry.ts';
import ownPackage from '../../../package.json' with { type: 'json' };

const traceId = '0af7651916cd43dd8448eb211c80319c';
const remote = { traceId, spanId: 'b7ad6b7169203331', isSampled: false, traceState: 'a=1' };

/** A trace on a clock that is set by hand. */
class Rig {
  nowMs = 1_000;
  readonly taken: RequestTrace[] = [];
  readonly trace: RequestTrace;

  constructor(began: Partial<RequestTrace['began']> = {}) {
    const clock = { now: () => this.nowMs, monotonic: () => this.nowMs };
    this.trace = new RequestTrace(
      { clock, take: (trace) => void this.taken.push(trace) },
      {
        traceId,
        parent: null,
        link: null,
        isSampled: true,
        isSampledOfStranger: true,
        method: 'POST',
        route: '/v1/chat/completions',
        requestId: 'request-1',
        startedMs: 1_000,
        ...began,
      },
    );
  }

  at(nowMs: number): RequestTrace {
    this.nowMs = nowMs;
    return this.trace;
  }
}

const end: TracedEnd = {
  status: 200,
  outcome: 'ok',
  errorCode: null,
  caller: { team: 'acme', user: 'ana', token: 'tok_1', session: null },
  askedModel: 'claude',
  answeredModel: 'claude',
  used: { figures: { ...noFigures, inputTokens: 10, outputTokens: 5 }, isEstimated: false },
  stream: true,
  firstByteMs: 250,
  upstreamStatus: 200,
  limit: null,
};
const sent = {
  attachment: 'INFERENCE',
  baseUrl: 'https://us.inference.example/base/',
  path: '/v1/chat/completions',
};

const maker: SpanMaker = {
  ids: { span: counted() },
  wallOffsetMs: 1_700_000_000_000,
  resource: resourceFromAttributes({}),
  scope: { name: 'tollgate', version: '0' },
  scheme: 'https',
  kindOf: (route) => (route === '/v1/chat/completions' ? 'chat' : null),
  redact: (text) => text.replaceAll('secret', '[redacted]'),
};

function counted(): () => string {
  let n = 0;
  return () => String((n += 1)).padStart(16, '0');
}

/** Name, and when it began and ended, ms after the request. */
const times = (spans: readonly EndedSpan[]): unknown[] =>
  spans.map(({ name, startTime, endTime }) => [name, msOf(startTime), msOf(endTime)]);
const msOf = ([seconds, nanos]: EndedSpan['startTime']): number =>
  seconds * 1_000 + nanos / 1e6 - 1_700_000_001_000;

describe('spansOf', () => {
  it('has the times of every step', () => {
    const rig = new Rig();
    rig.at(1_010).admits();
    rig.at(1_020).admitted();
    rig.at(1_021).waits();
    rig.at(1_121).sends(sent);
    rig.at(1_150).givesUp('limited', 429);
    rig.at(1_160).sends({ ...sent, attachment: 'SECOND' });
    rig.at(1_300).ends(end);
    rig.at(1_310).stored();
    rig.at(1_320).closes();
    const spans = spansOf(rig.trace, maker);
    expect(rig.taken).toEqual([rig.trace]);
    expect(times(spans)).toEqual([
      ['chat claude', 0, 320],
      ['admit', 10, 20],
      ['POST /v1/chat/completions', 121, 150],
      ['POST /v1/chat/completions', 160, 300],
      ['settle', 300, 310],
    ]);
    expect(spansIn(rig.trace)).toBe(spans.length);
    const [root, , first, second, settle] = spans;
    expect(root?.attributes).toMatchObject({
      [names.firstChunkS]: 0.25,
      [names.inputTokens]: 10,
      'url.scheme': 'https',
    });
    expect(first?.attributes).toEqual({
      [names.method]: 'POST',
      [names.fullUrl]: 'https://us.inference.example/base/v1/chat/completions',
      [names.template]: '/v1/chat/completions',
      [names.serverAddress]: 'us.inference.example',
      [names.serverPort]: 443,
      [names.status]: 429,
      [names.errorType]: 'limited',
      'tollgate.attachment': 'INFERENCE',
      'tollgate.given_up': 'limited',
      'tollgate.queue_wait': 0.1,
    });
    expect(second?.attributes).toMatchObject({ [names.resendCount]: 1, 'tollgate.attachment': 'SECOND' });
    expect(settle?.attributes).toEqual({ 'tollgate.awaited': true });
  });

  it('ends with the step that ended last, if the caller left before', () => {
    const rig = new Rig();
    rig.at(1_010).admits();
    rig.at(1_050).closes();
    expect(rig.taken).toEqual([]);
    rig.at(1_090).ends({ ...end, status: 499, outcome: 'aborted' });
    expect(times(spansOf(rig.trace, maker))).toEqual([
      ['chat claude', 0, 90],
      ['admit', 10, 90],
      ['settle', 90, 90],
    ]);
  });

  it('says of the parts of one request that each was answered, and none sent again', () => {
    const rig = new Rig();
    rig.at(1_100).sends(sent);
    rig.at(1_200).sends(sent);
    rig.at(1_300).ends(end);
    rig.at(1_300).closes();
    const [, first, second] = spansOf(rig.trace, maker);
    expect([first, second].map((span) => span?.attributes[names.resendCount])).toEqual([
      undefined,
      undefined,
    ]);
    expect(times([first, second].filter((span) => span !== undefined))).toEqual([
      [first?.name, 100, 200],
      [second?.name, 200, 300],
    ]);
  });

  it('joins its parent with its state, and only points at a link', () => {
    const joined = new Rig({ parent: remote });
    joined.trace.ends(end);
    joined.trace.closes();
    const [root, child] = spansOf(joined.trace, maker);
    expect(root?.parentSpanContext).toMatchObject({ spanId: remote.spanId, isRemote: true });
    expect(root?.spanContext().traceState?.serialize()).toBe('a=1');
    expect(child?.parentSpanContext?.spanId).toBe(root?.spanContext().spanId);
    const linked = new Rig({ link: { ...remote, traceState: 'a=secret' } });
    linked.trace.ends(end);
    linked.trace.closes();
    const [pointing] = spansOf(linked.trace, maker);
    expect(pointing?.parentSpanContext).toBeUndefined();
    expect(pointing?.links).toMatchObject([{ context: { traceId, spanId: remote.spanId } }]);
    expect(pointing?.links[0]?.context.traceState).toBeUndefined();
  });

  it('masks secrets that a caller gives as its request id', () => {
    const rig = new Rig({ requestId: 'my-secret' });
    rig.trace.ends(end);
    expect(spansOf(rig.trace, maker)[0]?.attributes['tollgate.request_id']).toBe('my-[redacted]');
  });
});

describe('what is sent', () => {
  it.each<[string, boolean, Partial<TracedEnd>, boolean]>([
    ['is sampled', true, {}, true],
    ['is not', false, {}, false],
    ['failed here', false, { status: 502, outcome: 'error' }, true],
    ['has no store', false, { status: 503, outcome: 'refused' }, true],
    ['broke off', false, { status: 200, outcome: 'error' }, true],
    ['was refused', false, { status: 429, outcome: 'refused' }, false],
    ['was rejected upstream', false, { status: 400, outcome: 'error' }, false],
    ['was left', false, { status: 499, outcome: 'aborted' }, false],
  ])('a request that %s', (_, isSampled, more, isSent) => {
    const rig = new Rig({ isSampled });
    rig.trace.ends({ ...end, ...more });
    expect([rig.trace.isRecorded, rig.taken.length]).toEqual([isSent, 0]);
    rig.trace.closes();
    expect(rig.taken).toHaveLength(isSent ? 1 : 0);
  });
});

describe('the conventions', () => {
  it('are those of the version that is named, with every name among them', () => {
    expect(ownPackage.devDependencies['@opentelemetry/semantic-conventions']).toBe(conventionsVersion);
    const known = new Set<unknown>(Object.values(packaged));
    expect(Object.values(names).filter((name) => !known.has(name))).toEqual([]);
    const own = new Set(['dyno', 'heroku.dyno.id', 'heroku.app.name']); // what Heroku's detectors for collectors use
    expect(Object.values(resourceNames).filter((name) => !known.has(name) && !own.has(name))).toEqual([]);
  });

  it('have a word for what each endpoint does', () => {
    expect(endpoints.map(({ modelKind }) => operations[modelKind]).every(Boolean)).toBe(true);
  });
});

it('hrTime keeps microseconds, and never has a whole second of nanoseconds', () => {
  expect([0, 1.5, 999.9999, 1_700_000_000_123.456].map(hrTime)).toEqual([
    [0, 0],
    [0, 1_500_000],
    [1, 0],
    [1_700_000_000, 123_456_000],
  ]);
});

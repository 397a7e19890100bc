import { limitHeaders } from '../src/limits/limit-headers.ts';
import { applied, type LimitState } from '../src/limits/grant.ts';
import { reserve } from '../src/limits/reservation.ts';
import { countedAt, emptyCounter, fitsAtMs } from '../src/limits/window.ts';
import { hashToken, inspectToken, mintToken } from '../src/identity/records/token-text.ts';
import { encodeEntry } from '../src/ledger/entry-text.ts';
import { noFigures } from '../src/base/figures.ts';
import { noCharge } from '../src/base/outcome.ts';
import { Refusal } from '../src/base/refusal.ts';
import { JsonTap } from '../src/proxy/json-tap.ts';
import { ChatTap } from '../src/proxy/taps.ts';
import { chat } from '../src/validation/endpoints/chat.ts';
import { parseJson } from '../src/validation/parse-json.ts';
import { frames, longChat, model, shortAnswer, shortChat } from './bodies.ts';
import { median } from './report.ts';

/* How long each pure function of the hot path takes: `npm run bench:micro`. Compare runs; the figures are not absolute. */

const runs = 7;
const runMs = 150;

/** Nanoseconds a call, the median of several runs after one to warm up. */
function time(work: () => unknown): number {
  const figures: number[] = [];
  let sink: unknown;
  for (let run = 0; run <= runs; run += 1) {
    let calls = 0;
    const startedMs = performance.now();
    while (performance.now() - startedMs < runMs) {
      for (let n = 0; n < 100; n += 1) sink = work();
      calls += 100;
    }
    if (run > 0) figures.push(((performance.now() - startedMs) * 1e6) / calls);
  }
  if (sink === figures) throw new Error('What is timed must be used.');
  return median(figures);
}

function valid<T>(value: T | Refusal): T {
  if (value instanceof Refusal) throw value;
  return value;
}

const nowMs = Date.UTC(2026, 0, 31, 12);
const reserved = { ...noCharge, requests: 1, inputTokens: 40, outputTokens: 100 };
const states = (['minute', 'day', 'month'] as const).map((window, n): LimitState => {
  const limit = { id: `limit-${n}`, metric: 'requests', window, max: 1_000_000 } as const;
  const scoped = { scope: 'team', limit } as const;
  const counter = {
    at: countedAt(window, nowMs),
    used: 1_234,
    runs: [{ endMs: nowMs - 5_000, amount: 1_234 }],
  };
  return { scoped, applied: applied(scoped, reserved), counter };
});
const { text: token } = mintToken('user');
const short = Buffer.from(shortChat);
const long = Buffer.from(longChat);
const answer = Buffer.from(shortAnswer);
const words = frames.words.map((word) => Buffer.from(word).toString('latin1'));
const request = valid(chat.validate(valid(parseJson(short)), () => null));
const tap = new ChatTap();
let fed = 0;
const entry = {
  id: 'p0123456789-abc',
  request_id: '5b3c0b3e-6f5c-4d56-9f0e-2c1d7b8a9e10',
  admittedAtMs: nowMs,
  team: 'acme',
  user: 'ana',
  token_id: 'tok_0123456789ab',
  session_id: null,
  end_user: null,
  tags: '',
  endpoint: '/v1/chat/completions',
  model,
  model_requested: null,
  model_accepted: true,
  status: 200,
  outcome: 'ok',
  error_code: null,
  ...noFigures,
  inputTokens: 14,
  outputTokens: 51,
  costNanoUsd: null,
  usage: 'reported',
  stream: false,
  duration_ms: 812,
  ttfb_ms: 799,
} as const;

const pieces: Readonly<Record<string, () => unknown>> = {
  'a token checked': () => inspectToken(token),
  'a token hashed': () => hashToken(token),
  'a short body parsed': () => parseJson(short),
  'a body of 100 kB parsed': () => parseJson(long),
  'a short body validated': () => chat.validate(request.body, () => null),
  'a reservation': () => reserve(request, [], 4_096),
  'when a limit fits again': () =>
    fitsAtMs('minute', states[0]?.counter ?? emptyCounter, {
      amount: 1,
      max: 1_500,
      nowMs,
    }),
  'headers of three limits': () => limitHeaders(states, nowMs),
  'a chunk of a stream read along': () => tap.feed(words[fed++ % words.length] ?? ''),
  'a plain answer read along': () => {
    const plain = new JsonTap({ list: 'choices' });
    plain.feed(answer);
    return plain.isAnswer && plain.usage;
  },
  'an entry written': () => encodeEntry(entry),
};

const width = Math.max(...Object.keys(pieces).map((name) => name.length));
for (const [name, work] of Object.entries(pieces)) {
  process.stdout.write(
    `${name.padEnd(width)}  ${Math.round(time(work)).toLocaleString('en').padStart(9)} ns\n`,
  );
}

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LedgerEntry } from '../../../src/ledger/entry.ts';
import { doneFrame, messageFrame } from '../../../src/demo/frames.ts';
import { type IssuedToken, startGateway, type TestGateway } from '../../support/gateway.ts';
import { bodies, open, paths, readStream } from '../../support/gateway-client.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type Cut, type CuttingUpstream, startCuttingUpstream } from './cutting-upstream.ts';

/* An upstream that resets or ends short at every byte of its answer, head and all, or stalls at every third. */

const atOnce = 80;
/** What stalls is only waited for. */
const stalledAtOnce = 200;
/** What ends a stall is a clock, not a byte: every third one is enough to have it in each line of the answer. */
const stalledEvery = 3;
/** How long: several times what a busy machine takes for the bytes that do come. */
const stalledMs = '2500';
const usage = { prompt_tokens: 7, completion_tokens: 5 };
const frames = [
  messageFrame({
    choices: [{ delta: { content: 'Hello' } }],
    usage: { prompt_tokens: 0, completion_tokens: 0 },
  }),
  'data: {"choices":[{"delta":{"content":" wor\\"ld"}}]}\r\n\r\n',
  ': a comment\n\n',
  messageFrame({ choices: [{ delta: {}, finish_reason: 'stop' }], usage }),
  doneFrame,
];
const events = frames.join('');
const plainBody = JSON.stringify({ choices: [{ message: { content: 'Hello world' } }], usage });

const head = (type: string, framing: string): string =>
  `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\n${framing}\r\n\r\n`;
const streamHead = head('text/event-stream', 'Transfer-Encoding: chunked');
const plainHead = head('application/json', `Content-Length: ${plainBody.length}`);
const chunks = frames.map((frame) => `${frame.length.toString(16)}\r\n${frame}\r\n`);
const answers = {
  stream: Buffer.from(`${streamHead}${chunks.join('')}0\r\n\r\n`),
  plain: Buffer.from(plainHead + plainBody),
};

let upstream: CuttingUpstream;
/** One that waits for what comes, however late; and one for what never will. */
let patient: TestGateway;
let hurried: TestGateway;

beforeAll(async () => {
  upstream = await startCuttingUpstream(answers);
  const env = { INFERENCE_URL: upstream.url, LOG_LEVEL: 'error' };
  patient = await startGateway({ env });
  hurried = await startGateway({
    env: { ...env, UPSTREAM_TIMEOUT_MS: stalledMs, STREAM_IDLE_TIMEOUT_MS: stalledMs },
  });
});
afterAll(async () => {
  await patient.close();
  await hurried.close();
  await upstream.close();
});

const gatewayFor = (how: Cut['how']): TestGateway => (how === 'stall' ? hurried : patient);

interface Told {
  cut: Cut;
  status: number;
  ended: 'clean' | 'broken';
  text: string;
  entry: LedgerEntry;
}

/** Makes a call for each byte of an answer and gives what its caller and its entry say. */
async function everyByte(answer: Cut['answer'], how: Cut['how']): Promise<Told[]> {
  const gateway = gatewayFor(how);
  const token = await gateway.issue({ limits: [{ metric: 'concurrency', max: 1_000 }] });
  const step = how === 'stall' ? stalledEvery : 1;
  const count = Math.ceil(answers[answer].length / step);
  const cuts = Array.from({ length: count }, (_, n): Cut => ({ answer, at: n * step, how }));
  const seen = new Map<string, Omit<Told, 'entry'>>();
  const left = cuts.values();
  const worker = async (): Promise<void> => {
    for (const cut of left) seen.set(requestIdOf(cut), { cut, ...(await call(token, cut)) });
  };
  await Promise.all(Array.from({ length: how === 'stall' ? stalledAtOnce : atOnce }, worker));
  const entries = await waitFor(
    async () => {
      const found = await gateway.allEntries(token.team);
      return found.length >= cuts.length ? found : null;
    },
    { what: 'every entry', timeoutMs: 20_000 },
  );
  expect(entries).toHaveLength(cuts.length);
  return entries.map((entry): Told => {
    const of = seen.get(entry.request_id);
    if (!of) throw new Error(`An entry of no call: ${entry.request_id}`);
    return { ...of, entry };
  });
}

function requestIdOf({ answer, at, how }: Cut): string {
  return `${answer}-${how}-${String(at).padStart(20, '0')}`;
}

async function call(token: IssuedToken, cut: Cut): Promise<Pick<Told, 'status' | 'ended' | 'text'>> {
  const body = bodies.chat({
    stream: cut.answer === 'stream',
    messages: [{ role: 'user', content: JSON.stringify(cut) }],
  });
  const headers = { 'x-request-id': requestIdOf(cut) };
  const answer = await open(`${gatewayFor(cut.how).url}${paths.chat}`, body, { token: token.text, headers });
  const reading = readStream(answer);
  const ended = await reading.rest();
  return { status: answer.status, ended, text: reading.text() };
}

/** What of the events was sent before the cut. */
function sentBefore({ at }: Cut): string {
  let before = streamHead.length;
  let sent = '';
  for (const [n, chunk] of chunks.entries()) {
    const frame = frames[n] ?? '';
    const prefix = frame.length.toString(16).length + 2;
    sent += frame.slice(0, Math.max(0, at - before - prefix));
    before += chunk.length;
  }
  return sent;
}

const isWhole = (text: string): boolean => text.includes('[DONE]\n');
const atBoundary = (text: string): boolean => text === '' || /\n\r?\n$/.test(text);

describe('a stream', () => {
  it.each(['reset', 'end', 'stall'] as const)(
    '%s wherever it is',
    async (how) => {
      for (const { cut, status, ended, text, entry } of await everyByte('stream', how)) {
        const where = `at byte ${cut.at}`;
        if (cut.at < streamHead.length) {
          // Before there was an answer: nothing is charged but for one that was waited for in vain.
          const [expected, code] =
            how === 'stall' ? [504, 'upstream_timeout'] : [502, 'upstream_unreachable'];
          expect([status, entry.error_code], where).toEqual([expected, code]);
          expect(entry.input_tokens > 0, where).toBe(how === 'stall');
          expect(entry.output_tokens, where).toBe(0);
          continue;
        }
        const sent = sentBefore(cut);
        expect(status, where).toBe(200);
        expect(text.startsWith(sent), where).toBe(true);
        const added = text.slice(sent.length);
        if (isWhole(sent)) {
          expect([entry.outcome, entry.usage, entry.output_tokens, added], where).toEqual([
            'ok',
            'reported',
            5,
            '',
          ]);
          continue;
        }
        // Never a clean end that looks like success; told between two events, else only cut.
        expect([entry.outcome, entry.error_code, ended], where).toEqual([
          'error',
          expect.any(String),
          'broken',
        ]);
        expect(entry.error_code, where).toMatch(how === 'stall' ? /^upstream_timeout$/ : /^upstream_error$/);
        if (atBoundary(sent)) expect(added, where).toMatch(/^event: error\ndata: \{"error":\{.*\}\}\n\n$/);
        else expect(added, where).toBe('');
        const reported = sent.includes('"completion_tokens":5}}\n\n');
        expect([entry.usage, entry.input_tokens > 0], where).toEqual([
          reported ? 'reported' : 'estimated',
          true,
        ]);
        expect(entry.output_tokens, where).toBe(reported ? 5 : seenIn(sent));
      }
    },
    60_000,
  );

  /** The tokens of text in the events that are whole: a quarter of its bytes, but no delta is less than one. */
  function seenIn(sent: string): number {
    const whole = sent
      .split(/\n\r?\n/)
      .slice(0, -1)
      .join('\n');
    const texts = [...whole.matchAll(/"content":"((?:[^"\\]|\\.)+)"/g)].map(([, text = '']) => text);
    return Math.max(texts.length, Math.ceil(texts.join('').length / 4));
  }

  it('in two parts, wherever it is parted, passes untouched', async () => {
    for (const { cut, ended, text, entry } of await everyByte('stream', 'rest')) {
      expect([text, ended], `at byte ${cut.at}`).toEqual([events, 'clean']);
      expect([entry.outcome, entry.usage, entry.input_tokens, entry.output_tokens]).toEqual([
        'ok',
        'reported',
        7,
        5,
      ]);
    }
  });
});

describe('a plain answer', () => {
  it.each(['reset', 'end', 'stall'] as const)(
    '%s wherever it is',
    async (how) => {
      for (const { cut, status, ended, entry } of await everyByte('plain', how)) {
        const where = `at byte ${cut.at}`;
        const answered = cut.at >= plainHead.length;
        if (how === 'stall') {
          expect([entry.outcome, entry.error_code], where).toEqual(['error', 'upstream_timeout']);
        } else {
          const code = answered ? 'upstream_error' : 'upstream_unreachable';
          expect([entry.outcome, entry.error_code], where).toEqual(['error', code]);
          expect(entry.input_tokens > 0, where).toBe(answered);
        }
        // A short answer is kept until it is whole: its caller gets an error instead, or a cut, never half of it.
        if (ended === 'clean') expect(status, where).toBe(how === 'stall' ? 504 : 502);
      }
    },
    60_000,
  );

  it('in two parts, wherever it is parted, passes untouched', async () => {
    for (const { cut, ended, text, entry } of await everyByte('plain', 'rest')) {
      expect([text, ended], `at byte ${cut.at}`).toEqual([plainBody, 'clean']);
      expect([entry.outcome, entry.usage, entry.output_tokens]).toEqual(['ok', 'reported', 5]);
    }
  });
});

it('leaves nothing behind', async () => {
  expect(patient.log() + hurried.log()).toBe('');
});

import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/base/refusal.ts';
import { startStandIn, type StandIn } from '../../support/stand-in.ts';
import { parseLargeJson } from '../../../src/validation/parse-json.ts';
import { chat } from '../../../src/validation/endpoints/chat.ts';
import { administrationOf, type IssuedToken } from '../../support/gateway.ts';
import { bodies, paths, post } from '../../support/gateway-client.ts';
import { connectRaw, parseResponse } from '../../support/http.ts';
import { spawnGateway, type SpawnedGateway } from '../../support/spawn-gateway.ts';
import { waitFor } from '../../support/wait-for.ts';

/* The largest bodies that are read at all, each made to be as slow, or to grow as large in memory, as can be. */

const bodyBytes = 10 * 1024 * 1024;
const mebibyte = 1024 * 1024;

const before = '{"model":"claude-3-5-haiku","max_tokens":5,"messages":[{"role":"user","content":"';
const after = '"}]}';
const inMetadata = `${before}x"}],"metadata":{"a":`;
const listed = (count: number, item: (n: number) => string): string =>
  Array.from({ length: count }, (_, n) => item(n)).join(',');

/** The worst bodies of so many bytes. */
function worstOf(bytes: number): Record<string, string> {
  /** At 10 MiB nearly as many as one body may hold. */
  const values = Math.floor(bytes / 214);
  /** As many of a unit as fit between. */
  const filled = (start: string, unit: string, end: string): string =>
    start + unit.repeat(Math.floor((bytes - start.length - end.length) / unit.length)) + end;
  const image = `{"type":"image_url","image_url":{"url":"data:image/png;base64,${'A'.repeat(bytes / 10)}"}}`;
  return {
    letters: filled(before, 'x', after),
    escapes: filled(before, '\\n', after),
    'escaped quotes': filled(before, '\\"', after),
    backslashes: filled(before, '\\\\', after),
    'pairs of surrogates': filled(before, '\\ud83d\\ude00', after),
    'halves of pairs': filled(before, '\\ud800', after),
    'letters of two bytes': filled(before, '\u00e9', after).slice(0, bytes / 2) + after,
    'nearly __proto__': filled(before, '__proto_', after),
    'long numbers': `${inMetadata}[${listed(values, () => `1.${'1'.repeat(200)}`)}]}}`,
    'one long number': filled(`${inMetadata}0.`, '1', '}}'),
    'many names': `${inMetadata}{${listed(values, (n) => `"${n}${'x'.repeat(190)}":1`)}}}}`,
    'many names with escapes': `${inMetadata}{${listed(values, (n) => `"${n}${'\\u00e9'.repeat(30)}":1`)}}}}`,
    'names that are numbers': `${inMetadata}{${listed(values, (n) => `"${n * 83_213}":1`)}}}}`,
    blanks: filled('{', ' ', before.slice(1) + after),
    images: `${before.replace('"content":"', '"content":[')}${listed(9, () => image)}]}]}`,
    'no JSON': 'x'.repeat(bytes),
    'a text without an end': '{"a":"'.padEnd(bytes, '\\"'),
  };
}

const worst = worstOf(bodyBytes);

describe('one body', () => {
  /**
   * A turn may take as long as Node itself would for two plain bodies of this size, in the thread's own time, so that
   * neither a slow machine nor a busy one matters.
   */
  const mostPlainBodies = 2;
  /** Some systems count processor time in ticks of 10 ms. */
  const shortestPlainMs = 30;
  const plain = Buffer.from(worst['letters'] ?? '');
  /** The longest that a plain body took so far; it is measured again for what seems to take too long. */
  let plainMs = 0;

  it.each(Object.entries(worst))('of %s holds up nobody for long', async (_, text) => {
    const bytes = Buffer.from(text);
    let heldMs = Infinity;
    for (let n = 0; n < 4 && !(heldMs < mostPlainBodies * plainMs); n += 1) {
      if (n > 0 || plainMs === 0) plainMs = Math.max(plainMs, shortestPlainMs, plainTurnMs());
      heldMs = Math.min(heldMs, await longestTurnMs(() => workOn(bytes)));
    }
    expect(heldMs).toBeLessThan(mostPlainBodies * plainMs);
  });

  it('that is good is looked over in as many turns as it has mebibytes', async () => {
    let turns = 0;
    let done = false;
    const count = (): void => {
      turns += 1;
      if (!done) setImmediate(count);
    };
    setImmediate(count);
    await parseLargeJson(plain);
    done = true;
    expect(turns).toBeGreaterThanOrEqual(bodyBytes / mebibyte);
  });

  function plainTurnMs(): number {
    const startedMs = workedMs();
    Buffer.from(JSON.stringify(JSON.parse(plain.toString())));
    return workedMs() - startedMs;
  }

  /** All that is done to a body before it is sent on. */
  async function workOn(bytes: Buffer): Promise<void> {
    const value = await parseLargeJson(bytes);
    if (value instanceof Refusal) return;
    const request = chat.validate(value, () => null);
    if (!(request instanceof Refusal)) Buffer.from(JSON.stringify(request.body));
  }

  /** The most that was worked while nothing else had a turn. */
  async function longestTurnMs(work: () => Promise<void>): Promise<number> {
    let longestMs = 0;
    let lastMs = workedMs();
    const turn = (): void => {
      const nowMs = workedMs();
      longestMs = Math.max(longestMs, nowMs - lastMs);
      lastMs = nowMs;
    };
    let done = false;
    const watch = (): void => {
      turn();
      if (!done) setImmediate(watch);
    };
    setImmediate(watch);
    await work();
    turn();
    done = true;
    return longestMs;
  }

  /** How long this thread has run: not what it waited for a processor. */
  function workedMs(): number {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1_000;
  }
});

describe('two hundred of them at once, fifteen times what may be in memory,', () => {
  /*
   * The proof is in the proportions: 200 senders, a budget of 12.8 bodies, and growth of less than half of what is sent
   * at once, though a body is in memory as it came, parsed, and written out again. Without the budget the process grows
   * by more than all that is sent. All sizes are a quarter of the defaults.
   */
  const senders = 200;
  const maxBytes = bodyBytes / 4;
  const boundBytes = (senders * maxBytes) / 2;

  let upstream: StandIn;
  let gateway: SpawnedGateway;
  let token: IssuedToken;

  beforeAll(async () => {
    const adminKey = randomBytes(20).toString('hex');
    upstream = await startStandIn();
    gateway = await spawnGateway({
      env: {
        NODE_ENV: 'production',
        STORE: 'memory',
        ADMIN_KEY: adminKey,
        LOG_LEVEL: 'error',
        MAX_BODY_BYTES: String(maxBytes),
        BODY_BUDGET_BYTES: String(32 * mebibyte),
        INFERENCE_URL: upstream.url,
        INFERENCE_KEY: upstream.key,
      },
    });
    token = await administrationOf(gateway.url, adminKey).issue();
  });
  afterAll(async () => {
    await gateway.stop('SIGKILL');
    await upstream.close();
  });

  /** What it holds in memory now (`VmRSS`), or held at most (`VmHWM`). */
  async function residentBytes(which: 'VmRSS' | 'VmHWM'): Promise<number> {
    const status = await readFile(`/proc/${gateway.pid}/status`, 'utf8');
    return Number(new RegExp(`${which}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1024;
  }

  /** All but the last byte of a body, which is sent once `mayEnd`: until then the gateway holds it or refuses it. */
  async function send(body: Buffer, mayEnd: Promise<void>, refused: () => void): Promise<string> {
    const connection = await connectRaw(gateway.port);
    const lines = [
      'host: 127.0.0.1',
      `authorization: Bearer ${token.text}`,
      `content-length: ${body.length}`,
    ];
    connection.send(`POST ${paths.chat} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    connection.send(body.subarray(0, -1));
    connection.socket.once('data', refused);
    await mayEnd;
    connection.send(body.subarray(-1));
    await connection.until('\r\n\r\n', 120_000);
    const { status, body: text } = parseResponse(connection.received());
    connection.destroy();
    return status === 200 ? '200' : `${status} ${/"code":"(\w+)"/.exec(text.toString())?.[1]}`;
  }

  it('are taken in turn or told that it is overloaded, within bounds of memory, and all of the budget comes back', async () => {
    const all = worstOf(maxBytes);
    const kinds = ['escapes', 'many names', 'halves of pairs', 'long numbers'].map((kind) =>
      Buffer.from(all[kind] ?? ''),
    );
    const beforeBytes = await residentBytes('VmRSS');
    const firstRefusal = Promise.withResolvers<void>();
    const answers = await Promise.all(
      Array.from({ length: senders }, (_, n) =>
        send(kinds[n % kinds.length] ?? Buffer.alloc(0), firstRefusal.promise, firstRefusal.resolve),
      ),
    );
    const counts = Object.fromEntries(
      Object.entries(Object.groupBy(answers, (answer) => answer)).map(([answer, of]) => [answer, of?.length]),
    );
    const { '503 overloaded': overloaded, ...taken } = counts;
    expect(overloaded).toBeGreaterThan(0);
    expect(['200', '400 invalid_body']).toEqual(expect.arrayContaining(Object.keys(taken)));
    expect(Object.keys(taken)).not.toEqual([]);
    expect((await residentBytes('VmHWM')) - beforeBytes).toBeLessThan(boundBytes);
    await waitFor(
      async () =>
        (await post(`${gateway.url}${paths.chat}`, bodies.chat(), { token: token.text })).status === 200,
      { what: 'an answer' },
    );
    const alone: string[] = [];
    for (const kind of kinds) alone.push(await send(kind, Promise.resolve(), () => undefined));
    expect([...new Set(alone)].sort()).toEqual(['200', '400 invalid_body']);
  });
});

import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/base/refusal.ts';
import { startStandIn, type StandIn } from '../../support/stand-in.ts';
import { parseLargeJson } from '../../../src/validation/parse-json.ts';
import { chat } from '../../../src/validation/endpoints/chat.ts';
import { administrationOf, type IssuedToken } from '../../support/gateway.ts';
import { bodies, errorOf, paths, post, read } from '../../support/gateway-client.ts';
import { spawnGateway, type SpawnedGateway } from '../../support/spawn-gateway.ts';
import { waitFor } from '../../support/wait-for.ts';

/* The largest bodies that are read at all, each made to be as slow, or to grow as large in memory, as can be. */

const bodyBytes = 10 * 1024 * 1024;
const mebibyte = 1024 * 1024;

/** As many of a unit as fit between. */
function filled(before: string, unit: string, after: string): string {
  return before + unit.repeat(Math.floor((bodyBytes - before.length - after.length) / unit.length)) + after;
}

const before = '{"model":"claude-3-5-haiku","max_tokens":5,"messages":[{"role":"user","content":"';
const after = '"}]}';
const inMetadata = `${before}x"}],"metadata":{"a":`;
const listed = (count: number, item: (n: number) => string): string =>
  Array.from({ length: count }, (_, n) => item(n)).join(',');

const worst: Record<string, string> = {
  letters: filled(before, 'x', after),
  escapes: filled(before, '\\n', after),
  'escaped quotes': filled(before, '\\"', after),
  backslashes: filled(before, '\\\\', after),
  'pairs of surrogates': filled(before, '\\ud83d\\ude00', after),
  'halves of pairs': filled(before, '\\ud800', after),
  'letters of two bytes': filled(before, '\u00e9', after).slice(0, bodyBytes / 2) + after,
  'nearly __proto__': filled(before, '__proto_', after),
  'long numbers': `${inMetadata}[${listed(49_000, () => `1.${'1'.repeat(200)}`)}]}}`,
  'one long number': filled(`${inMetadata}0.`, '1', '}}'),
  'many names': `${inMetadata}{${listed(49_000, (n) => `"${n}${'x'.repeat(190)}":1`)}}}}`,
  'many names with escapes': `${inMetadata}{${listed(49_000, (n) => `"${n}${'\\u00e9'.repeat(30)}":1`)}}}}`,
  'names that are numbers': `${inMetadata}{${listed(49_000, (n) => `"${n * 83_213}":1`)}}}}`,
  blanks: filled('{', ' ', before.slice(1) + after),
  images: `${before.replace('"content":"', '"content":[')}${listed(9, () => `{"type":"image_url","image_url":{"url":"data:image/png;base64,${'A'.repeat(mebibyte)}"}}`)}]}]}`,
  'no JSON': 'x'.repeat(bodyBytes),
  'a text without an end': '{"a":"'.padEnd(bodyBytes, '\\"'),
};

describe('one body', () => {
  /**
   * A turn may take as long as Node itself would for two plain bodies of this size, in the thread's own time, so that
   * neither a slow machine nor a busy one matters.
   */
  const mostPlainBodies = 2;
  /** Some systems count processor time in ticks of 10 ms. */
  const shortestPlainMs = 30;
  const plain = Buffer.from(worst['letters'] ?? '');

  it.each(Object.entries(worst))('of %s holds up nobody for long', async (_, text) => {
    const bytes = Buffer.from(text);
    let [heldMs, plainMs] = [Infinity, shortestPlainMs];
    for (let n = 0; n < 4 && !(heldMs < mostPlainBodies * plainMs); n += 1) {
      plainMs = Math.max(plainMs, plainTurnMs());
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

describe('forty of them at once, three times what may be in memory,', () => {
  const senders = 40;
  /** What is in memory of 128 MiB of bodies: as they came, parsed, and written out again, beside the process itself. */
  const boundBytes = 640 * mebibyte;

  let upstream: StandIn;
  let gateway: SpawnedGateway;
  let token: IssuedToken;

  beforeAll(async () => {
    const adminKey = 'k'.repeat(40);
    upstream = await startStandIn();
    gateway = await spawnGateway({
      env: {
        NODE_ENV: 'production',
        STORE: 'memory',
        ADMIN_KEY: adminKey,
        LOG_LEVEL: 'error',
        INFERENCE_URL: upstream.url,
        INFERENCE_KEY: upstream.key,
      },
    });
    token = await administrationOf(gateway.url, adminKey).issue();
  }, 30_000);
  afterAll(async () => {
    await gateway.stop('SIGKILL');
    await upstream.close();
  });

  async function residentBytes(): Promise<number> {
    const status = await readFile(`/proc/${gateway.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
  }

  it('are taken in turn or told that it is overloaded, within bounds of memory, and all of the budget comes back', async () => {
    const kinds = ['escapes', 'many names', 'halves of pairs', 'long numbers'].map((kind) =>
      Buffer.from(worst[kind] ?? ''),
    );
    let mostBytes = 0;
    const watch = setInterval(() => {
      void residentBytes().then((bytes) => (mostBytes = Math.max(mostBytes, bytes)));
    }, 20);
    const headers = { authorization: `Bearer ${token.text}` };
    const answers = await Promise.all(
      Array.from({ length: senders }, async (_, n) => {
        const body = kinds[n % kinds.length] ?? Buffer.alloc(0);
        const answer = await fetch(`${gateway.url}${paths.chat}`, { method: 'POST', headers, body });
        const reply = await read(answer, 120_000);
        return reply.status === 200 ? '200' : `${reply.status} ${errorOf(reply).code}`;
      }),
    );
    clearInterval(watch);
    expect(answers).toContain('503 overloaded');
    const allowed = new Set(['200', '400 invalid_body', '503 overloaded']);
    expect(answers.filter((answer) => !allowed.has(answer))).toEqual([]);
    expect(mostBytes).toBeLessThan(boundBytes);
    await waitFor(
      async () =>
        (await post(`${gateway.url}${paths.chat}`, bodies.chat(), { token: token.text })).status === 200,
      { what: 'an answer' },
    );
  }, 180_000);
});

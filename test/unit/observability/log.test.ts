import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { namedFigures, noFigures } from '../../../src/base/figures.ts';
import type { AccessLine } from '../../../src/observability/access-line.ts';
import { createLog, type Log } from '../../../src/observability/log.ts';
import { anyLongText } from '../../support/any-character.ts';

const line: AccessLine = {
  request_id: '0b0a7d1e-1111-4222-8333-444455556666',
  isOwnRequestId: false,
  method: 'POST',
  path: '/v1/chat/completions',
  status: 200,
  outcome: 'ok',
  error_code: null,
  team: 'acme',
  user: 'ana',
  token_id: 'tok1',
  model: 'claude-4-5-sonnet',
  model_requested: null,
  stream: true,
  duration_ms: 12.5,
  ttfb_ms: 3,
  figures: { ...noFigures, inputTokens: 14, outputTokens: 51 },
  upstream: 'INFERENCE',
};

function setUp(level = 'info'): { log: Log; writes: string[]; lines: () => Record<string, unknown>[] } {
  const writes: string[] = [];
  const log = createLog({
    level,
    output: { write: (text) => void writes.push(text), delivered: async () => undefined },
  });
  const lines = (): Record<string, unknown>[] => {
    log.flush();
    const texts = writes.join('').split('\n');
    expect(texts.pop()).toBe(''); // every line is ended
    return texts.map((text) => JSON.parse(text) as Record<string, unknown>);
  };
  return { log, writes, lines };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the access line', () => {
  it('has exactly its fields', () => {
    const { log, lines } = setUp();
    log.access(line);
    const marks = { level: 'info', time: expect.any(Number), pid: process.pid, msg: 'request' };
    const { figures, isOwnRequestId: _, ...others } = line;
    expect(lines()).toEqual([{ ...marks, ...others, ...namedFigures(figures) }]);
  });

  it('takes in nothing else an object brings along', () => {
    const { log, lines } = setUp();
    const more = { ...line, headers: { authorization: 'canary' }, body: 'canary' };
    log.access(more);
    expect(JSON.stringify(lines())).not.toContain('canary');
  });

  it('has no query string', () => {
    const { log, lines } = setUp();
    log.access({ ...line, path: '/v1/models?key=canary' });
    expect(lines()[0]).toMatchObject({ path: '/v1/models' });
  });

  it('masks a secret in whatever a caller chooses', () => {
    const { log, writes } = setUp();
    log.protect('an-administrators-secret');
    log.access({ ...line, path: '/v1/tgk_canary' });
    log.access({ ...line, model: 'tga_canary' });
    log.access({ ...line, model_requested: 'tgk_canary' });
    log.access({ ...line, request_id: 'inf-0f8fad5b-d9cb-469f-a165-70867728950e' });
    log.access({ ...line, path: `/${'x'.repeat(385)}an-administrators-secret` }); // cut in its midst
    log.flush();
    expect(writes.join('')).not.toMatch(/canary|0f8fad5b|an-admin/);
  });

  it('is under 10 kB whatever is in it', () => {
    const text = anyLongText;
    const wild = fc.record({
      request_id: text,
      method: text,
      path: text,
      model: text,
      team: text,
      user: text,
    });
    const { log, writes } = setUp();
    fc.assert(
      fc.property(wild, (fields) => {
        writes.length = 0;
        log.access({
          ...line,
          ...fields,
          token_id: fields.user,
          error_code: fields.team,
          upstream: fields.model,
          model_requested: fields.model,
        });
        log.flush();
        expect(Buffer.byteLength(writes.join(''))).toBeLessThan(10_000);
      }),
      { numRuns: 50 },
    );
    const worst = '\u0001'.repeat(10_000);
    writes.length = 0;
    const texts = { request_id: worst, method: worst, path: worst, model: worst, team: worst, user: worst };
    log.access({
      ...line,
      ...texts,
      token_id: worst,
      error_code: worst,
      upstream: worst,
      model_requested: worst,
    });
    log.flush();
    expect(Buffer.byteLength(writes.join(''))).toBeLessThan(10_000);
  });

  it('is left out where the level says so', () => {
    const { log, lines } = setUp('warn');
    log.access(line);
    log.info('no');
    log.warn('yes');
    expect(lines().map(({ msg }) => msg)).toEqual(['yes']);
  });
});

describe('other lines', () => {
  it('write flat fields and leave objects out', () => {
    const { log, lines } = setUp();
    const request = { headers: { authorization: 'canary' }, url: '/?canary' };
    log.info('told', {
      team: 'acme',
      count: 2,
      ok: true,
      none: null,
      gone: undefined,
      request,
      list: ['canary'],
    });
    const [seen] = lines();
    expect(seen).toMatchObject({ level: 'info', msg: 'told', team: 'acme', count: 2, ok: true, none: null });
    expect(JSON.stringify(seen)).not.toContain('canary');
  });

  it('write of an error its name, message, code, cause and stack', () => {
    const { log, lines } = setUp();
    const cause = new TypeError('below');
    const error = Object.assign(new RangeError('above', { cause }), {
      code: 'E_X',
      config: { key: 'canary' },
    });
    log.error('failed', { error });
    const [seen] = lines();
    expect(seen).toMatchObject({
      level: 'error',
      error: { name: 'RangeError', message: 'above', code: 'E_X', cause: 'TypeError: below' },
    });
    expect(JSON.stringify(seen)).toContain('log.test.ts');
    expect(JSON.stringify(seen)).not.toContain('canary');
  });

  it('mask secrets in message, fields and errors', () => {
    const { log, writes } = setUp();
    log.protect('the-redis-password');
    const error = new Error('at redis://:the-redis-password@host', { cause: new Error('Bearer abcdef') });
    log.error('got tgk_canary', { url: 'x the-redis-password y', error });
    log.flush();
    expect(writes.join('')).not.toMatch(/the-redis|tgk_canary|abcdef/);
  });

  it('are under 10 kB and still JSON whatever is in them', () => {
    const { log, writes } = setUp();
    const text = anyLongText;
    const check = (message: string, fields: Record<string, unknown>): void => {
      writes.length = 0;
      log.error(message, fields);
      const [only = ''] = writes;
      expect(Buffer.byteLength(only)).toBeLessThan(10_000);
      expect(JSON.parse(only)).toHaveProperty('msg');
    };
    fc.assert(
      fc.property(text, text, text, (message, field, errorText) =>
        check(message, { field, other: field, error: new Error(errorText, { cause: new Error(field) }) }),
      ),
      { numRuns: 30 },
    );
    const worst = '\u0001\ud800'.repeat(10_000);
    check(worst, { a: worst, b: worst, c: worst, d: worst, e: worst, error: new Error(worst) });
    expect(writes[0]).toContain('\\u0001');
  });

  it.each(['error', 'fatal'] as const)('%s is written at once, with what waited before it', (level) => {
    const { log, writes } = setUp();
    log.info('before');
    expect(writes).toEqual([]);
    log[level]('now');
    expect(writes).toHaveLength(1);
    expect(writes[0]).toMatch(/before[^]*now/);
  });
});

describe('batching', () => {
  it('joins 32 lines into one write', () => {
    const { log, writes } = setUp();
    for (let count = 0; count < 64; count++) log.access(line);
    expect(writes.map((text) => text.split('\n').length - 1)).toEqual([32, 32]);
  });

  it('keeps a line no longer than 100 ms', () => {
    const { log, writes } = setUp();
    log.access(line);
    vi.advanceTimersByTime(99);
    expect(writes).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(writes).toHaveLength(1);
  });

  it('flushes at once when told to, and nothing twice', () => {
    const { log, writes } = setUp();
    log.access(line);
    log.flush();
    log.flush();
    vi.advanceTimersByTime(1_000);
    expect(writes).toHaveLength(1);
  });
});

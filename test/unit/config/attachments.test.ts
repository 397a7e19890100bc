import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findAttachments } from '../../../src/config/attachments.ts';

const url = 'https://us.inference.heroku.com';
const key = 'inf-5a1f6f5e-0000-4000-8000-000000000000';

describe('findAttachments', () => {
  it('finds a standard plan: one key, every model', () => {
    expect(findAttachments({ INFERENCE_URL: url, INFERENCE_KEY: key })).toEqual({
      attachments: [{ name: 'INFERENCE', baseUrl: url, key, modelId: null }],
      problems: [],
    });
  });

  it('finds per-model plans under the documented names, sorted', () => {
    const names = ['RERANK', 'INFERENCE', 'EMBEDDING', 'DIFFUSION'];
    const env = Object.fromEntries(
      names.flatMap((name) => [
        [`${name}_URL`, url],
        [`${name}_KEY`, 'any-key'],
        [`${name}_MODEL_ID`, `model-of-${name}`],
      ]),
    );
    const { attachments, problems } = findAttachments(env);
    expect(problems).toEqual([]);
    expect(attachments.map(({ name, modelId }) => [name, modelId])).toEqual([
      ['DIFFUSION', 'model-of-DIFFUSION'],
      ['EMBEDDING', 'model-of-EMBEDDING'],
      ['INFERENCE', 'model-of-INFERENCE'],
      ['RERANK', 'model-of-RERANK'],
    ]);
  });

  it.each([
    ['a colour, by its key', { INFERENCE_MAROON_URL: url, INFERENCE_MAROON_KEY: key }, 'INFERENCE_MAROON'],
    [
      'a name of its own, by its model',
      { WRITER_URL: url, WRITER_KEY: 'other', WRITER_MODEL_ID: 'nova-pro' },
      'WRITER',
    ],
    ['a name of its own, by its key', { HEROKU_AI_2_URL: url, HEROKU_AI_2_KEY: key }, 'HEROKU_AI_2'],
    ['a known name whatever its key', { INFERENCE_URL: url, INFERENCE_KEY: 'local' }, 'INFERENCE'],
  ])('counts %s', (_, env, name) => {
    const { attachments, problems } = findAttachments(env);
    expect(problems).toEqual([]);
    expect(attachments.map((attachment) => attachment.name)).toEqual([name]);
  });

  it.each([
    ['REDIS_URL', { REDIS_URL: 'redis://h', REDIS_TLS_URL: 'rediss://h' }],
    ['DATABASE_URL', { DATABASE_URL: 'postgres://h/db' }],
    ['another service with a key', { STRIPE_URL: 'https://api.stripe.com', STRIPE_KEY: 'sk_live_1' }],
    ['a colour with half', { INFERENCE_MAROON_KEY: key }],
    ['ADMIN_KEY', { ADMIN_KEY: 'e779ae2c795d6f77f038ee48a984706d', ADMIN_URL: 'https://a' }],
    ['a blank model id', { SOME_URL: url, SOME_KEY: 'k', SOME_MODEL_ID: ' ' }],
    ['no name at all', { _URL: url, _KEY: key }],
  ])('does not count %s', (_, env) => {
    const { attachments, problems } = findAttachments(env);
    expect(attachments).toEqual([]);
    expect(problems).toEqual([expect.stringContaining('at least one')]);
  });

  it('leaves other URLs alone beside an attachment', () => {
    const env = { INFERENCE_URL: url, INFERENCE_KEY: key, REDIS_URL: 'redis://h', SENTRY_KEY: 'x' };
    const { attachments, problems } = findAttachments(env);
    expect(problems).toEqual([]);
    expect(attachments).toHaveLength(1);
  });

  it.each([
    ['https://us.inference.heroku.com', url],
    ['https://us.inference.heroku.com/', url],
    ['https://us.inference.heroku.com/v1', url],
    ['https://us.inference.heroku.com/v1/', url],
    ['https://us.inference.heroku.com//v1//', url],
    ['  https://US.inference.heroku.com/v1 \n', url],
    ['https://us.inference.heroku.com:443', url],
    ['http://127.0.0.1:8080/base/v1/', 'http://127.0.0.1:8080/base'],
    ['http://127.0.0.1:8080/v10', 'http://127.0.0.1:8080/v10'],
    ['http://[::1]:8080/', 'http://[::1]:8080'],
  ])('reads the URL %j as %s', (text, baseUrl) => {
    const { attachments } = findAttachments({ INFERENCE_URL: text, INFERENCE_KEY: key });
    expect(attachments).toEqual([{ name: 'INFERENCE', baseUrl, key, modelId: null }]);
  });

  it.each([
    'us.inference.heroku.com',
    'ftp://us.inference.heroku.com',
    'https://user:canary@us.inference.heroku.com',
    'https://canary@us.inference.heroku.com',
    'https://us.inference.heroku.com/?a=canary',
    'https://us.inference.heroku.com/#canary',
    'https://',
  ])('refuses the URL %s, and nothing else', (text) => {
    const { attachments, problems } = findAttachments({ INFERENCE_URL: text, INFERENCE_KEY: key });
    expect(attachments).toEqual([]);
    expect(problems).toEqual([expect.stringMatching(/^INFERENCE_URL: expected an http or https URL/)]);
    expect(problems.join()).not.toContain('canary');
  });

  it('trims the key and the model', () => {
    const env = { INFERENCE_URL: url, INFERENCE_KEY: ` ${key}\n`, INFERENCE_MODEL_ID: ' nova-pro ' };
    expect(findAttachments(env).attachments).toEqual([
      { name: 'INFERENCE', baseUrl: url, key, modelId: 'nova-pro' },
    ]);
  });

  it.each(['INFERENCE', 'EMBEDDING', 'DIFFUSION', 'RERANK'])('tells a half-set %s', (name) => {
    expect(findAttachments({ [`${name}_URL`]: url }).problems).toEqual([
      `${name}_KEY: expected to be set, since ${name}_URL is set.`,
    ]);
    expect(findAttachments({ [`${name}_KEY`]: key, [`${name}_URL`]: '' }).problems).toEqual([
      `${name}_URL: expected to be set, since ${name}_KEY is set.`,
    ]);
  });

  it('tells the problems of all attachments at once', () => {
    const { problems } = findAttachments({
      INFERENCE_URL: 'nonsense',
      INFERENCE_KEY: 'inf-a b',
      INFERENCE_MODEL_ID: 'a model',
      EMBEDDING_URL: url,
    });
    expect(problems.map((problem) => problem.split(':')[0])).toEqual([
      'EMBEDDING_KEY',
      'INFERENCE_URL',
      'INFERENCE_KEY',
      'INFERENCE_MODEL_ID',
    ]);
  });

  it('never puts a value into a problem, and gives only base URLs that a path can follow', () => {
    const value = fc.oneof(
      fc.string().map((text) => `canary${text}`),
      fc.webUrl().map((text) => `${text}/canary`),
      fc.constantFrom(url, `${url}/v1/`, key, ''),
    );
    const variable = fc
      .tuple(fc.constantFrom('INFERENCE', 'EMBEDDING', 'OTHER'), fc.constantFrom('URL', 'KEY', 'MODEL_ID'))
      .map((parts) => parts.join('_'));
    fc.assert(
      fc.property(fc.dictionary(variable, value), (env) => {
        const { attachments, problems } = findAttachments(env);
        expect(problems.join()).not.toContain('canary');
        expect(attachments.length + problems.length).toBeGreaterThan(0);
        for (const { baseUrl } of attachments) {
          expect(baseUrl).toMatch(/^https?:\/\/[^\s?#]*[^/\s?#]$/);
          expect(baseUrl).not.toMatch(/\/v1$/);
        }
      }),
    );
  });
});

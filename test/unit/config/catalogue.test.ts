import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type Catalogue, loadCatalogue, parseCatalogue } from '../../../src/config/catalogue.ts';
import { readConfiguration } from '../../../src/config/configuration.ts';
import { sessionPolicyProblems } from '../../../src/sessions/schema.ts';
import { free, type Price } from '../../../src/base/price.ts';

const shipped = fileURLToPath(new URL('../../../config/models.json', import.meta.url));

function catalogueOf(value: unknown): Catalogue {
  const result = parseCatalogue(JSON.stringify(value));
  if (!result.ok) throw new Error(result.problems.join('\n'));
  return result.catalogue;
}

function problemsOf(value: unknown): string[] {
  const result = parseCatalogue(JSON.stringify(value));
  return result.ok ? [] : result.problems;
}

describe('the shipped catalogue', () => {
  const result = loadCatalogue(shipped);
  const catalogue = result.ok ? result.catalogue : catalogueOf({ models: {} });

  it.each([
    ['claude-3-5-sonnet', 'chat', 4096],
    ['claude-3-5-haiku', 'chat', 4096],
    ['claude-3-haiku', 'chat', 4096],
    ['claude-3-7-sonnet', 'chat', 8192],
    ['claude-4-sonnet', 'chat', 8192],
    ['claude-opus-4-5', 'chat', null],
    ['cohere-embed-multilingual', 'embeddings', null],
    ['stable-image-ultra', 'images', null],
    ['cohere-rerank-3-5', 'rerank', null],
  ])('knows %s: %s, %s', (id, kind, maxTokens) => {
    expect(catalogue.kind(id)).toBe(kind);
    expect(catalogue.maxOutputTokens(id)).toBe(maxTokens);
    expect(catalogue.models()).toContain(id);
  });
});

describe('a catalogue', () => {
  it('knows nothing of other models, whatever they are called', () => {
    const catalogue = catalogueOf({ models: { m: { kind: 'chat', max_tokens: 1 } } });
    for (const id of ['other', 'constructor', '__proto__', 'toString']) {
      expect(catalogue.kind(id)).toBeNull();
      expect(catalogue.maxOutputTokens(id)).toBeNull();
    }
    expect(catalogue.models()).toEqual(['m']);
  });

  it('knows which model may answer in the place of another', () => {
    const catalogue = catalogueOf({
      models: { a: { kind: 'chat', fallback: 'b' }, b: { kind: 'chat', fallback: 'a' } },
    });
    expect(['a', 'b', 'c'].map((id) => catalogue.fallback(id))).toEqual(['b', 'a', null]);
  });

  it.each(['nowhere', 'constructor', 'a', 'images'])('has no fallback %s', (fallback) => {
    const models = { a: { kind: 'chat', fallback }, images: { kind: 'images' } };
    expect(problemsOf({ models })).toEqual([
      'MODELS_FILE: models.a.fallback: expected another model of this file, of kind chat.',
    ]);
  });

  it.each(['..', 'a/./b', 'ü'])('has no model %s', (id) => {
    const problems = problemsOf({ models: { [id]: { kind: 'chat' } } });
    expect(problems).toEqual([expect.stringContaining(`MODELS_FILE: models.${id}: `)]);
  });

  it('takes comments and prices', () => {
    const price = { usd_per_million_input_tokens: 3, usd_per_million_output_tokens: 15 };
    const model = { $comment: 'why', kind: 'chat', price };
    expect(problemsOf({ $comment: 'what', models: { m: model } })).toEqual([]);
  });

  it('says which models refuse temperature beside top_p', () => {
    const of = { kind: 'chat', one_of: ['temperature', 'top_p'] };
    const catalogue = catalogueOf({ models: { m: of, n: { kind: 'chat' } } });
    expect(['m', 'n', 'other'].map((id) => catalogue.needs(id)?.oneOfSampling ?? false)).toEqual([
      true,
      false,
      false,
    ]);
    expect(problemsOf({ models: { m: { kind: 'chat', one_of: ['top_p', 'top_k'] } } })).toHaveLength(2);
    expect(problemsOf({ models: { m: { kind: 'images', one_of: of.one_of } } })).toHaveLength(1);
  });

  it('says over which bound a model lowers what is asked for, and over which it refuses', () => {
    const chat = (more: object): object => ({ kind: 'chat', ...more });
    const catalogue = catalogueOf({
      models: {
        lower: chat({ max_tokens: 8 }),
        said: chat({ max_tokens: 8, over_max: 'lower' }),
        refuse: chat({ max_tokens: 8, over_max: 'refuse' }),
        unknown: chat({ over_max: 'refuse' }),
      },
    });
    const bounds = ['lower', 'said', 'refuse', 'unknown', 'other'].map((id) => [
      catalogue.needs(id)?.lowersOver ?? null,
      catalogue.refusesOver(id),
    ]);
    expect(bounds).toEqual([
      [8, null],
      [8, null],
      [null, 8],
      [null, null],
      [null, null],
    ]);
    expect(problemsOf({ models: { m: chat({ over_max: 'ignore' }) } })).toEqual([
      'MODELS_FILE: models.m.over_max: expected "lower" or "refuse".',
    ]);
    expect(problemsOf({ models: { m: { kind: 'images', over_max: 'refuse' } } })).toHaveLength(1);
  });

  it('says which fields a model does not take', () => {
    const drop = ['store', 'tools.*.strict', 'system[0].cache_control.ttl'];
    const catalogue = catalogueOf({
      models: { m: { kind: 'chat', drop }, n: { kind: 'images', drop: ['user'] } },
    });
    expect(catalogue.needs('m')?.drop.map((path) => path.join('.'))).toEqual([
      'store',
      'tools.*.strict',
      'system.*.cache_control.ttl',
    ]);
    expect(catalogue.needs('n')?.drop).toEqual([['user']]);
    expect(catalogue.needs('other')).toBeNull();
  });

  it.each(['messages', 'tools', 'max_tokens', 'response_format', 'tools.*.name', 'messages.*', 'a b', ''])(
    'drops no field %j, without which a request asks for something else',
    (field) => {
      expect(problemsOf({ models: { m: { kind: 'chat', drop: [field] } } })).toEqual([
        'MODELS_FILE: models.m.drop.0: expected the path of a field that a request can do without, such as store or tools.*.strict.',
      ]);
    },
  );

  it('resolves aliases, of models that are not in it too', () => {
    const catalogue = catalogueOf({
      aliases: { fast: 'm', far: 'not/listed:1' },
      models: { m: { kind: 'chat' } },
    });
    expect(['fast', 'far', 'm', 'other'].map(catalogue.real)).toEqual(['m', 'not/listed:1', 'm', 'other']);
    expect(catalogue.models()).toEqual(['m']);
    expect(catalogue.kind('fast')).toBeNull();
    expect(catalogueOf({ models: {} }).aliases.size).toBe(0);
  });

  it.each<[string, object, string]>([
    [
      'the id of a model',
      { m: 'n' },
      'MODELS_FILE: aliases.m: expected a name that is not a model of this file.',
    ],
    [
      'a name of its own',
      { a: 'b', b: 'm' },
      'MODELS_FILE: aliases.a: expected the id of a model, not another alias.',
    ],
    ['no round', { a: 'a' }, 'MODELS_FILE: aliases.a: expected the id of a model, not another alias.'],
    [
      'no model id',
      { a: 'a model' },
      'MODELS_FILE: aliases.a: expected at most 128 of the characters A-Z a-z 0-9 . _ : / -.',
    ],
  ])('takes no alias of what is not right: %s', (_, aliases, problem) => {
    expect(problemsOf({ aliases, models: { m: { kind: 'chat' } } })).toEqual([problem]);
  });

  it('prices a model in what it is paid for, and in nothing where a part is not known', () => {
    const priceOf = (model: object): Price | null => {
      const parsed = parseCatalogue(JSON.stringify({ models: { m: model } }));
      if (!parsed.ok) throw new Error(parsed.problems.join());
      return parsed.catalogue.price('m', 0);
    };
    const input = { inputNanoUsd: 3_000, cacheReadNanoUsd: 3_000, cacheWriteNanoUsd: 3_000 };
    const price = { usd_per_search: 0.002, usd_per_image: 0.04, usd_per_million_input_tokens: 3 };
    expect(priceOf({ kind: 'rerank', price })).toEqual({ ...free, searchNanoUsd: 2_000_000 });
    expect(priceOf({ kind: 'images', price })).toEqual({ ...free, imageNanoUsd: 40_000_000 });
    expect(priceOf({ kind: 'embeddings', price })).toEqual({ ...free, ...input });
    expect(priceOf({ kind: 'chat', price })).toBeNull();
    expect(priceOf({ kind: 'rerank', price: {} })).toBeNull();
    expect(priceOf({ kind: 'rerank' })).toBeNull();
  });

  it('prices cached input by itself if the file says so', () => {
    const of = { usd_per_million_input_tokens: 3, usd_per_million_output_tokens: 15 };
    const cached = {
      ...of,
      usd_per_million_cache_read_tokens: 0.3,
      usd_per_million_cache_write_tokens: 3.75,
    };
    const catalogue = catalogueOf({
      models: { plain: { kind: 'chat', price: of }, cached: { kind: 'chat', price: cached } },
    });
    expect(catalogue.price('plain', 0)).toMatchObject({ cacheReadNanoUsd: 3_000, cacheWriteNanoUsd: 3_000 });
    expect(catalogue.price('cached', 0)).toEqual({
      ...free,
      inputNanoUsd: 3_000,
      cacheReadNanoUsd: 300,
      cacheWriteNanoUsd: 3_750,
      outputNanoUsd: 15_000,
    });
  });

  it('has the price that is in force, whatever the order in the file', () => {
    const at = (usd: number, from?: string): object => ({
      ...(from === undefined ? {} : { from }),
      usd_per_million_input_tokens: usd,
    });
    const prices = [at(3, '2027-02-01T00:00:00+02:00'), at(1), at(2, '2027-01-01')];
    const catalogue = catalogueOf({
      models: {
        m: { kind: 'embeddings', price: prices },
        later: { kind: 'embeddings', price: at(1, '2027-01-01') },
      },
    });
    const input = (id: string, time: string): number | undefined =>
      catalogue.price(id, Date.parse(time))?.inputNanoUsd;
    expect(input('m', '2026-12-31T23:59:59.999Z')).toBe(1_000);
    expect(input('m', '2027-01-01T00:00:00Z')).toBe(2_000);
    expect(input('m', '2027-01-31T21:59:59.999Z')).toBe(2_000);
    expect(input('m', '2027-01-31T22:00:00Z')).toBe(3_000);
    expect(input('later', '2026-12-31T00:00:00Z')).toBeUndefined();
    expect(input('later', '2027-01-01T00:00:00Z')).toBe(1_000);
  });

  it.each<[string, unknown, string]>([
    ['no day', { from: '2027-02-30' }, 'models.m.price.from'],
    ['no day in a list', [{ from: 'soon' }], 'models.m.price.0.from'],
    ['a day twice', [{ from: '2027-01-01' }, { from: '2027-01-01T00:00:00Z' }], 'models.m.price'],
    ['two without a day', [{}, {}], 'models.m.price'],
    ['an empty list', [], 'models.m.price'],
    ['a text', 'free', 'models.m.price'],
    ['an amount beyond all reason', { usd_per_image: 1e9 }, 'models.m.price.usd_per_image'],
    [
      'a negative cache price',
      { usd_per_million_cache_read_tokens: -1 },
      'models.m.price.usd_per_million_cache_read_tokens',
    ],
    ['an unknown field', [{ usd: 1 }], 'models.m.price.0'],
  ])('takes no price with %s', (_, price, path) => {
    const problems = problemsOf({ models: { m: { kind: 'chat', price } } });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`MODELS_FILE: ${path}: expected`);
  });

  it('tells every problem at once, by its path', () => {
    const problems = problemsOf({
      models: {
        a: { kind: 'video' },
        b: { kind: 'chat', max_tokens: 0 },
        c: { kind: 'chat', max_tokens: 1.5 },
        d: { kind: 'images', max_tokens: 10 },
        e: { kind: 'chat', price: { usd_per_image: -1 } },
        f: { kind: 'chat', colour: 'red' },
        'g h': { kind: 'chat' },
      },
      extra: 1,
    });
    expect(problems.map((problem) => problem.split(': ').slice(0, 2).join(': '))).toEqual([
      'MODELS_FILE: models.a.kind',
      'MODELS_FILE: models.b.max_tokens',
      'MODELS_FILE: models.c.max_tokens',
      'MODELS_FILE: models.d',
      'MODELS_FILE: models.e.price.usd_per_image',
      'MODELS_FILE: models.f',
      'MODELS_FILE: models.g h',
      'MODELS_FILE: expected no field "extra".',
    ]);
  });

  it.each([[[]], [null], ['text'], [{}], [{ models: [] }]])('is not %j', (value) => {
    expect(problemsOf(value).length).toBeGreaterThan(0);
  });

  it('is not what is not JSON, or not there', () => {
    expect(parseCatalogue('{')).toEqual({ ok: false, problems: ['MODELS_FILE: expected a JSON file.'] });
    expect(loadCatalogue('/no/such/canary.json')).toEqual({
      ok: false,
      problems: ['MODELS_FILE: expected the path of a readable file.'],
    });
  });
});

describe('readConfiguration', () => {
  const env = { INFERENCE_URL: 'https://us.inference.heroku.com', INFERENCE_KEY: 'inf-1' };

  it('gives settings and catalogue', () => {
    const result = readConfiguration(env, sessionPolicyProblems);
    expect(result).toMatchObject({ ok: true, settings: { port: 3000 } });
    expect(result.ok && result.catalogue.kind('claude-4-sonnet')).toBe('chat');
  });

  it('tells the problems of both at once', () => {
    const result = readConfiguration(
      { ...env, PORT: 'abc', MODELS_FILE: '/no/such/canary.json' },
      sessionPolicyProblems,
    );
    expect(result).toEqual({
      ok: false,
      problems: [expect.stringMatching(/^PORT: /), expect.stringMatching(/^MODELS_FILE: /)],
    });
  });

  it('takes no alias that would hide an attached model', () => {
    const directory = mkdtempSync(join(tmpdir(), 'tollgate-catalogue-'));
    const file = join(directory, 'models.json');
    writeFileSync(file, JSON.stringify({ aliases: { attached: 'm' }, models: {} }));
    const result = readConfiguration(
      { ...env, INFERENCE_MODEL_ID: 'attached', MODELS_FILE: file },
      sessionPolicyProblems,
    );
    rmSync(directory, { recursive: true });
    expect(result).toEqual({
      ok: false,
      problems: ['MODELS_FILE: aliases: expected no alias that is the INFERENCE_MODEL_ID.'],
    });
  });

  it('is not satisfied by settings alone', () => {
    expect(readConfiguration({ ...env, MODELS_FILE: '/no/such.json' }, sessionPolicyProblems).ok).toBe(false);
  });
});

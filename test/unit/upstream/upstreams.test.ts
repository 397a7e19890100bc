import { afterEach, describe, expect, it } from 'vitest';
import type { Attachment } from '../../../src/base/attachment.ts';
import { Upstreams } from '../../../src/upstream/upstreams.ts';

const opened: Upstreams[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((upstreams) => upstreams.close()));
});

function attachment(name: string, modelId: string | null, baseUrl = 'http://127.0.0.1:1'): Attachment {
  return { name, baseUrl, key: `inf-${name}`, modelId };
}

function upstreamsOf(...attachments: Attachment[]): Upstreams {
  const upstreams = new Upstreams(attachments);
  opened.push(upstreams);
  return upstreams;
}

/** Upstreams of any model, of which some have said what they serve, by address. */
function listing(lists: Readonly<Record<string, readonly string[]>>, ...urls: string[]): Upstreams {
  const upstreams = new Upstreams(
    urls.map((url, n) => attachment(String(n), null, url)),
    { at: (url) => (lists[url] ? new Map(lists[url].map((id) => [id, { kinds: [], regions: [] }])) : null) },
  );
  opened.push(upstreams);
  return upstreams;
}

function routes(upstreams: Upstreams, ...models: string[]): string[] {
  return models.map((model) => upstreams.candidates(model)[0]?.attachment.name ?? 'nowhere');
}

describe('a model', () => {
  it('goes to the attachment of exactly that model', () => {
    const upstreams = upstreamsOf(attachment('A', 'claude'), attachment('B', 'nova'));
    expect(routes(upstreams, 'nova', 'claude', 'nova')).toEqual(['B', 'A', 'B']);
  });

  it('goes there even where another serves any model', () => {
    const upstreams = upstreamsOf(attachment('ANY', null), attachment('A', 'claude'));
    expect(routes(upstreams, 'claude', 'claude', 'nova')).toEqual(['A', 'A', 'ANY']);
  });

  it('goes nowhere where nobody serves it', () => {
    const upstreams = upstreamsOf(attachment('A', 'claude'));
    expect(routes(upstreams, 'nova', 'claud', 'claude-2', '', 'constructor')).toEqual([
      'nowhere',
      'nowhere',
      'nowhere',
      'nowhere',
      'nowhere',
    ]);
    expect(upstreamsOf().candidates('claude')).toEqual([]);
  });

  it('goes to several in turn', () => {
    const upstreams = upstreamsOf(...['A', 'B', 'C'].map((name) => attachment(name, 'claude')));
    const six = routes(upstreams, ...Array.from({ length: 6 }, () => 'claude'));
    expect(six.slice(0, 3).sort()).toEqual(['A', 'B', 'C']);
    expect(six.slice(3)).toEqual(six.slice(0, 3));
  });

  it('may go to any of them, each time another one first', () => {
    const upstreams = upstreamsOf(...['A', 'B', 'C'].map((name) => attachment(name, 'claude')));
    const names = (): string[] => upstreams.candidates('claude').map(({ attachment: { name } }) => name);
    expect([names(), names(), names(), names()].map((list) => list.join(''))).toEqual([
      'ABC',
      'BCA',
      'CAB',
      'ABC',
    ]);
  });

  it('has one quota per key, however many attachments have it', () => {
    const [a, b] = [attachment('A', null), { ...attachment('B', null), key: 'inf-A' }];
    const upstreams = upstreamsOf(a, b, attachment('C', null));
    const quotas = upstreams.candidates('any').map(({ quota }) => quota);
    expect(quotas[0]).toBe(quotas[1]);
    expect(quotas[0]).not.toBe(quotas[2]);
    expect(upstreams.quotas.size).toBe(2);
    expect([...upstreams.quotas.keys()].join()).not.toContain('inf-');
  });

  it('takes its turns whatever other models do in between', () => {
    const upstreams = upstreamsOf(
      attachment('A', 'claude'),
      attachment('B', 'claude'),
      attachment('C', 'nova'),
      attachment('D', 'nova'),
      attachment('E', null),
      attachment('F', null),
    );
    const found = routes(upstreams, 'claude', 'nova', 'any', 'claude', 'nova', 'other');
    expect(found.toSorted()).toEqual(['A', 'B', 'C', 'D', 'E', 'F']);
  });
});

describe('attachments of any model', () => {
  const [a, b, c] = ['http://127.0.0.1:1', 'http://127.0.0.1:2', 'http://127.0.0.1:3'] as const;

  it('get the models they list, in turn', () => {
    const upstreams = listing({ [a]: ['claude'], [b]: ['claude', 'nova'], [c]: [] }, a, b, c);
    expect(routes(upstreams, 'nova', 'nova')).toEqual(['1', '1']);
    expect(routes(upstreams, 'claude', 'claude', 'claude', 'claude')).toEqual(['0', '1', '0', '1']);
    expect(routes(upstreams, 'other')).toEqual(['nowhere']);
  });

  it('get any model while they have not said what they serve', () => {
    const upstreams = listing({ [a]: ['claude'] }, a, b);
    expect(routes(upstreams, 'nova', 'other')).toEqual(['1', '1']);
    expect(routes(upstreams, 'claude', 'claude').toSorted()).toEqual(['0', '1']);
  });

  it('come after those of the model itself, whatever they list', () => {
    const upstreams = new Upstreams([attachment('own', 'claude'), attachment('any', null)], {
      at: () => new Map([['claude', { kinds: [], regions: [] }]]),
    });
    opened.push(upstreams);
    expect(routes(upstreams, 'claude', 'claude')).toEqual(['own', 'own']);
  });
});

describe('the attachments', () => {
  it('tell the models they are configured for', () => {
    const upstreams = upstreamsOf(
      attachment('A', 'claude'),
      attachment('B', 'claude'),
      attachment('C', 'nova'),
    );
    expect(upstreams.models).toEqual(['claude', 'nova']);
    expect(upstreams.names('nova')).toBe(true);
    expect(upstreams.names('other')).toBe(false);
    expect(upstreams.open).toEqual([]);
    expect(upstreamsOf(attachment('A', null)).open).toEqual([attachment('A', null)]);
    expect(upstreamsOf(attachment('A', null)).names('claude')).toBe(false);
  });

  it.each([
    ['https://us.inference.heroku.com', ''],
    ['https://us.inference.heroku.com/', ''],
    ['https://example.com/inference', '/inference'],
    ['https://example.com/inference/', '/inference'],
  ])('at %s put %j before the path', (baseUrl, pathPrefix) => {
    expect(upstreamsOf(attachment('A', null, baseUrl)).candidates('x')[0]?.pathPrefix).toBe(pathPrefix);
  });
});

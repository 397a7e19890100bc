import { describe, expect, it } from 'vitest';
import { problemIn, withQuery } from '../../../console/api.ts';
import { limitsInWords } from '../../../console/views/records.ts';
import { changedFields } from '../../../console/views/audit.ts';
import { browserName } from '../../../console/views/sessions.ts';

describe('a refusal', () => {
  it('is told in the words of the gateway, or by its status if a router between has answered', () => {
    const error = { message: 'No.', code: 'not_found', param: 'team' };
    expect(problemIn(404, JSON.stringify({ error }))).toEqual({ status: 404, details: [], ...error });
    for (const text of ['<html>', '{}', 'null']) {
      expect(problemIn(502, text)).toMatchObject({ status: 502, code: null });
      expect(problemIn(502, text).message).toContain('502');
    }
  });
});

describe('a query', () => {
  it('has what has a value', () => {
    expect(withQuery('/a', { q: 'x y', team: null, limit: 0, user: '', sort: undefined })).toBe(
      '/a?q=x+y&limit=0',
    );
    expect(withQuery('/a', {})).toBe('/a');
  });
});

describe('the fields of a change', () => {
  it('are those before it and after it, each once', () => {
    expect(changedFields({ name: 'a', limits: [] }, { limits: [1], models: null })).toEqual([
      'name',
      'limits',
      'models',
    ]);
    expect(changedFields(null, null)).toEqual([]);
  });
});

describe('limits in a cell', () => {
  it('are the first, and how many more', () => {
    const limit = { metric: 'tokens', window: 'day', max: 5 };
    expect(limitsInWords([])).toBe('none');
    expect(limitsInWords([limit])).toBe('5 tokens a day');
    expect(limitsInWords([limit, limit, limit])).toBe('5 tokens a day and 2 more');
  });
});

describe('the name of a browser', () => {
  it.each([
    ['Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0', 'Edge on Windows'],
    ['Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36', 'Chrome on Linux'],
    ['Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36', 'Chrome on Android'],
    ['Mozilla/5.0 (Macintosh; Intel Mac OS X 14.0) Version/18.0 Safari/605.1', 'Safari on macOS'],
    ['Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/605.1', 'Safari on iPhone'],
    ['Mozilla/5.0 (Macintosh; rv:130.0) Firefox/130.0', 'Firefox'],
    ['curl/8.5.0', 'curl/8.5.0'],
    ['', 'Unknown'],
  ])('%s', (agent, name) => {
    expect(browserName(agent)).toBe(name);
  });
});

import { describe, expect, it } from 'vitest';
import { checkHttps } from '../../../src/lifecycle/unrouted.ts';

describe('checkHttps', () => {
  it.each([undefined, 'https', 'HTTPS', 'http, https', ['http', 'https']])('lets %j in', (proto) => {
    expect(checkHttps(proto)).toBeNull();
  });

  it.each(['http', 'https, http', '', 'ws', 'httpss'])('refuses %j', (proto) => {
    expect(checkHttps(proto)).toMatchObject({ code: 'https_required', status: 403 });
  });
});

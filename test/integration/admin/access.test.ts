import { beforeEach, describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../../src/store/store-unavailable.ts';
import { adminKey, errorOf, Harness } from './harness.ts';

let admin: Harness;

beforeEach(() => {
  admin = new Harness();
});

const paths = [
  '/admin/teams',
  '/admin/teams/acme',
  '/admin/teams/acme/users',
  '/admin/teams/acme/users/ana',
  '/admin/teams/acme/tokens',
  '/admin/teams/acme/tokens/tok_1',
  '/admin/usage',
  '/admin/requests',
  '/admin/refusals',
  '/admin/export',
  '/admin/import',
  '/admin/elsewhere',
  '/admin',
];

describe.each(paths)('%s', (path) => {
  it('401 without the administrator key', async () => {
    const answer = await admin.call('GET', path, undefined, { authorization: '' });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"');
    expect(answer.headers.get('x-should-retry')).toBe('false');
    expect(errorOf(answer)).toMatchObject({ type: 'authentication_error', code: 'invalid_token' });
  });

  it('401 with another key', async () => {
    const answer = await admin.call('GET', path, undefined, { authorization: `Bearer ${adminKey}x` });
    expect(answer.status).toBe(401);
  });

  it('403 with a user token', async () => {
    await admin.seed();
    const { text } = await admin.issue();
    const answer = await admin.call('GET', path, undefined, { authorization: `Bearer ${text}` });
    expect(answer.status).toBe(403);
    expect(errorOf(answer)).toMatchObject({ type: 'permission_error', code: 'role_not_allowed' });
  });

  it('no CORS, no caching, and the request id on every answer', async () => {
    for (const method of ['GET', 'OPTIONS', 'PUT']) {
      const answer = await admin.call(method, path, undefined, {
        origin: 'https://app.example.com',
        'x-request-id': 'my-request-id-000000001',
      });
      expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([]);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.headers.get('x-request-id')).toBe('my-request-id-000000001');
      if (answer.status >= 400) expect(errorOf(answer)['request_id']).toBe('my-request-id-000000001');
    }
  });
});

describe('any path', () => {
  it('404 where there is nothing', async () => {
    for (const path of ['/admin', '/admin/elsewhere', '/admin/teams/acme/elsewhere', '/admin/teams/']) {
      const answer = await admin.call('GET', path);
      expect(answer.status).toBe(404);
      expect(errorOf(answer)['code']).toBe('not_found');
    }
  });

  it.each([
    ['PUT', '/admin/teams', 'GET, HEAD, POST'],
    ['OPTIONS', '/admin/teams', 'GET, HEAD, POST'],
    ['POST', '/admin/teams/acme', 'GET, HEAD, PATCH, DELETE'],
    ['DELETE', '/admin/teams/acme/users', 'GET, HEAD, POST'],
    ['PUT', '/admin/teams/acme/users/ana', 'GET, HEAD, PATCH, DELETE'],
    ['PATCH', '/admin/teams/acme/tokens', 'GET, HEAD, POST, DELETE'],
    ['POST', '/admin/teams/acme/tokens/tok_1', 'GET, HEAD, PATCH, DELETE'],
    ['POST', '/admin/usage', 'GET, HEAD'],
    ['DELETE', '/admin/requests', 'GET, HEAD'],
    ['POST', '/admin/refusals', 'GET, HEAD'],
  ])('405 for %s %s', async (method, path, allow) => {
    const answer = await admin.call(method, path);
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe(allow);
    expect(errorOf(answer)['code']).toBe('method_not_allowed');
  });

  it('413 for a body over 1 MiB, and not for one of 1 MiB', async () => {
    const body = (bytes: number): string => `{"id":"acme","name":"${'x'.repeat(bytes - 23)}"}`;
    const tooLarge = await admin.call('POST', '/admin/teams', body(1_048_577));
    expect(tooLarge.status).toBe(413);
    expect(errorOf(tooLarge)['code']).toBe('body_too_large');
    expect((await admin.call('POST', '/admin/teams', body(1_048_576))).status).toBe(400);
  });

  it('503 while the store does not answer', async () => {
    admin.store = failing(new StoreUnavailable('redis://secret-host is gone'));
    const answer = await admin.call('GET', '/admin/teams');
    expect(answer.status).toBe(503);
    expect(errorOf(answer)).toMatchObject({ type: 'server_error', code: 'store_unavailable' });
    expect(JSON.stringify(answer.body)).not.toContain('secret-host');
    expect(admin.errors).toEqual([]);
  });

  it('500 without detail for anything unforeseen, which is reported', async () => {
    const error = new Error('secret detail');
    admin.store = failing(error);
    const answer = await admin.call('GET', '/admin/teams');
    expect(answer.status).toBe(500);
    expect(errorOf(answer)).toMatchObject({ type: 'server_error', code: 'internal_error' });
    expect(JSON.stringify(answer.body)).not.toContain('secret detail');
    expect(admin.errors).toEqual([error]);
  });
});

function failing(error: Error): Harness['store'] {
  const fail = async (): Promise<never> => {
    throw error;
  };
  return new Proxy(admin.identities, { get: () => fail });
}

import { afterEach, describe, expect, it, vi } from 'vitest';
import { ask } from '../../../console/api.ts';

afterEach(() => vi.unstubAllGlobals());

async function sentFor(path: string): Promise<string | null> {
  let sent: string | null = null;
  vi.stubGlobal('fetch', (url: string) => {
    sent = url;
    return Promise.resolve(new Response('{}'));
  });
  const answer = await ask(path, { method: 'POST' });
  expect(answer.ok).toBe(sent !== null);
  return sent;
}

describe('what the pages ask the API', () => {
  it.each(['acme', 'a b', 'é', "!'()*~-._", '...', '%2e%2e', '?#/\\', '\u0000\t\n'])(
    'goes to the record of a name, whatever that is: %j',
    async (name) => {
      const path = `/admin/teams/${encodeURIComponent(name)}/suspend`;
      expect(await sentFor(path)).toBe(`/console/api${path}`);
    },
  );

  // The names are in the fragment of the address, and somebody else may have made the link.
  it.each([
    '/admin/teams/acme/users/../suspend',
    '/admin/teams/acme/users/..',
    '/admin/teams/./suspend?usage=true',
    '/admin/teams/%2E%2e/suspend',
    '/admin/prices/../admins/adm_1',
  ])('is not sent if a browser would ask for another record: %s', async (path) => {
    expect(await sentFor(path)).toBeNull();
  });

  it('may have dots in its query', async () => {
    expect(await sentFor('/admin/tokens?user=..&q=a/../b')).toBe(
      '/console/api/admin/tokens?user=..&q=a/../b',
    );
  });
});

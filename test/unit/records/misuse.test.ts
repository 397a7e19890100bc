import { describe, expect, it } from 'vitest';
import { migrate, Unusable } from '../../../src/records/migrate.ts';
import { misuseIn } from '../../../src/records/misuse.ts';
import { RecordsUnavailable } from '../../../src/records/records-unavailable.ts';

const refused = (sqlState: string): RecordsUnavailable => new RecordsUnavailable('refused', { sqlState });

describe('what is wrong with Postgres', () => {
  it('is not told to callers in the words of the server', () => {
    const message = 'Postgres refused: no pg_hba.conf entry for host "10.1.2.3", user "secret"';
    expect(new RecordsUnavailable(message, { sqlState: '28000' }).told).not.toContain('10.1.2.3');
    expect(new RecordsUnavailable('Postgres does not keep up.').told).toBe('Postgres does not keep up.');
  });

  it.each([
    ['a wrong password', refused('28P01'), /password/],
    ['a database that is not there', refused('3D000'), /no database of that name/],
    ['a user without rights', refused('42501'), /grant CREATE/],
    ['a follower', refused('25006'), /primary/],
    ['an old server', new Unusable('The server is older than Postgres 14.'), /older than Postgres 14/],
    [
      'a server without TLS',
      new RecordsUnavailable('x', { cause: new Error('The server does not support SSL connections') }),
      /TLS/,
    ],
    [
      'a table that somebody else made',
      new Error('Not run migration 0000 is preceding'),
      /brought to this version/,
    ],
  ])('is told for %s', (_what, error, told) => {
    expect(misuseIn(error)).toMatch(told);
  });

  it.each([
    ['cannot be reached', new RecordsUnavailable('x', { cause: new Error('connect ECONNREFUSED') })],
    ['has too many connections', refused('53300')],
    ['is starting', refused('57P03')],
  ])('may pass if it %s', (_what, error) => {
    expect(misuseIn(error)).toBeNull();
  });

  it('is told of a server that is too old, before anything is made there', async () => {
    const old = {
      query: async <Row>() => [{ server_version_num: '130012' }] as Row[],
      connection: () => Promise.reject(new Error('Nothing may be made.')),
    };
    await expect(migrate(old)).rejects.toThrow(/older than Postgres 14/);
  });
});

import { describe, expect, it } from 'vitest';
import { tagsOfRequest } from '../../../src/access/caller-tags.ts';
import { makePrincipal } from '../../../src/access/principal.ts';
import { Refusal } from '../../../src/base/refusal.ts';
import type { Principal, Team, Token } from '../../../src/identity/records/identity.ts';
import type { Session } from '../../../src/identity/records/session.ts';
import { limitsTagged } from '../../../src/limits/grant.ts';
import { credentialFor, identityOf, sessionOf } from './identities.ts';

const keys = ['project', 'env', 'step'];

function callerWith(token: Partial<Token>, session?: Partial<Session>, team: Partial<Team> = {}): Principal {
  const own = session ? { session: sessionOf(session) } : {};
  return makePrincipal(
    identityOf({ team: { tag_keys: keys, ...team }, token, ...own }),
    credentialFor('hash'),
  );
}

function sent(principal: Principal, header?: string): string {
  const tags = tagsOfRequest(principal, header);
  return tags instanceof Refusal ? `${tags.status} ${tags.code}` : tags;
}

describe('the tags of a request', () => {
  it('are those of its token, in order', () => {
    expect(sent(callerWith({ tags: { project: 'x', env: 'test' } }))).toBe('env=test,project=x');
    expect(sent(callerWith({}))).toBe('');
    expect(sent(callerWith({}), '')).toBe('');
  });

  it('are set by the header only where the token lets them', () => {
    const free = callerWith({ tags: { env: 'test' }, request_tags: ['project'] });
    expect(sent(free, 'project=x')).toBe('env=test,project=x');
    expect(sent(free, 'project=x, env=test')).toBe('env=test,project=x');
    expect(sent(free, 'env=live')).toBe('403 tag_not_allowed');
    expect(sent(free, 'step=1')).toBe('403 tag_not_allowed');
    expect(sent(callerWith({}), 'project=x')).toBe('403 tag_not_allowed');
  });

  it('cannot be set by the header if the token fixes them as well', () => {
    const both = callerWith({ tags: { project: 'x' }, request_tags: ['project'] });
    expect(sent(both, 'project=y')).toBe('403 tag_not_allowed');
  });

  it('name the header and the key if they are refused', () => {
    const refusal = tagsOfRequest(callerWith({ request_tags: ['project'] }), 'env=live');
    expect(refusal).toMatchObject({ details: { param: 'x-tollgate-tags' } });
    expect(refusal instanceof Refusal && refusal.message).toContain(
      'the tag env in the header x-tollgate-tags',
    );
    expect(sent(callerWith({}), 'env')).toBe('400 invalid_request');
  });

  it('of a session are its own and those of its token, which it cannot change', () => {
    const token = { tags: { env: 'live' }, request_tags: ['project', 'step'] };
    expect(sent(callerWith(token, { tags: { project: 'x', env: 'test' } }))).toBe('env=live,project=x');
    expect(sent(callerWith(token, {}), 'project=x')).toBe('403 tag_not_allowed');
    const page = callerWith(token, { tags: { project: 'x' }, request_tags: ['project', 'step'] });
    expect(sent(page, 'step=2')).toBe('env=live,project=x,step=2');
    expect(sent(page, 'project=y')).toBe('403 tag_not_allowed');
  });

  it('of a session have no key that its token may not set any more', () => {
    const session = { tags: { project: 'x', step: '1' }, request_tags: ['env'] };
    const narrowed = { tags: { env: 'live' }, request_tags: ['step'] };
    expect(sent(callerWith(narrowed, session))).toBe('env=live,step=1');
    expect(sent(callerWith({ request_tags: null }, session))).toBe('');
    expect(sent(callerWith({ request_tags: null }, session), 'env=live')).toBe('403 tag_not_allowed');
  });

  it('have no key that the team no longer has', () => {
    const token = { tags: { env: 'live' }, request_tags: ['project'] };
    expect(sent(callerWith(token, {}, { tag_keys: ['project'] }))).toBe('');
    expect(sent(callerWith(token, undefined, { tag_keys: null }), 'project=x')).toBe('403 tag_not_allowed');
  });
});

describe('a limit that names tags', () => {
  const limit = { id: 'lim_1', metric: 'requests', window: 'day', max: 5, tags: { project: 'x' } } as const;
  const every = { id: 'lim_2', metric: 'requests', window: 'day', max: 9 } as const;

  it('counts only requests that have all of them', () => {
    const caller = callerWith({}, undefined, { limits: [limit, every] });
    const ids = (tags: string): string[] => limitsTagged(caller, tags).map(({ limit: { id } }) => id);
    expect(ids('env=test,project=x')).toEqual(['lim_1', 'lim_2']);
    expect(ids('project=xy')).toEqual(['lim_2']);
    expect(ids('')).toEqual(['lim_2']);
  });

  it('does not bound the attempts of the others', () => {
    const minute = { ...limit, window: 'minute', max: 1 } as const;
    expect(callerWith({ limits: [minute] }).attempts).toEqual(callerWith({}).attempts);
  });
});

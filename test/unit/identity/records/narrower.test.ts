import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../../src/base/request.ts';
import { narrows } from '../../../../src/identity/records/narrower.ts';

const limit = (max: number, more: JsonObject = {}): JsonObject => {
  return { id: 'a', metric: 'requests', window: 'day', max, ...more };
};
const raise = (id: string): JsonObject => ({ id, limit: 'a', by: 1, until: at });
const at = '2027-01-01T00:00:00.000Z';
const ana: JsonObject = { end_user: 'ana', suspended_at: at };
const bo: JsonObject = { end_user: 'bo', suspended_at: at };
const later = '2028-01-01T00:00:00.000Z';

const old = (end: string): JsonObject => ({ hash: 'b', expires_at: end });

describe('a change narrows a record', () => {
  it.each<[string, JsonObject, JsonObject]>([
    ['a list shrinks', { models: ['a', 'b'] }, { models: ['b'] }],
    ['a list appears', { endpoints: null }, { endpoints: ['/v1/embeddings'] }],
    ['tools are taken away', { tools: ['a'] }, { tools: null }],
    ['a limit is lowered', { limits: [limit(5)] }, { limits: [limit(4)] }],
    ['a limit is added', { limits: [limit(5)] }, { limits: [limit(5), limit(9, { window: 'hour' })] }],
    ['a limit holds again', { limits: [limit(5, { enforce: false })] }, { limits: [limit(5)] }],
    ['a raise is withdrawn', { raises: [raise('a'), raise('b')] }, { raises: [raise('b')] }],
    ['the last raise is withdrawn', { raises: [raise('a')] }, { raises: null }],
    ['it expires earlier', { expires_at: later }, { expires_at: at }],
    ['it expires at all', { expires_at: null }, { expires_at: at }],
    ['it is revoked', { revoked_at: null }, { revoked_at: at }],
    ['it is revoked as leaked', { revoked_at: null }, { revoked_at: at, revoked_because: 'leaked' }],
    ['a secret ends sooner', { secrets: [{ hash: 'a' }, old(later)] }, { secrets: [{ hash: 'a' }, old(at)] }],
    ['it is suspended', {}, { suspended_at: at }],
    ['an end user is suspended', { suspended_end_users: [ana] }, { suspended_end_users: [ana, bo] }],
    ['a limit of end users is lowered', { end_user_limits: [limit(5)] }, { end_user_limits: [limit(4)] }],
    ['nothing but null appears', {}, { frames: null }],
    ['default limits are lowered', { defaults: { team: [limit(2)] } }, { defaults: { team: [limit(1)] } }],
    ['its sessions must prove something', {}, { session_proof: 'required' }],
    ['its sessions must prove more', { session_proof: 'required' }, { session_proof: 'nonce' }],
  ])('if %s', (_, before, after) => {
    expect(narrows(before, after)).toBe(true);
  });

  it.each<[string, JsonObject, JsonObject]>([
    ['a list grows', { models: ['a'] }, { models: ['a', 'b'] }],
    ['a list goes', { origins: ['none'] }, { origins: null }],
    ['tools appear', { tools: null }, { tools: ['a'] }],
    ['a limit is raised', { limits: [limit(5)] }, { limits: [limit(6)] }],
    ['a limit goes', { limits: [limit(5)] }, { limits: [] }],
    ['a limit only observes', { limits: [limit(5)] }, { limits: [limit(5, { enforce: false })] }],
    ['a limit is raised for a while', {}, { raises: [raise('a')] }],
    ['a limit counts less', { limits: [limit(5)] }, { limits: [limit(5, { models: ['a'] })] }],
    ['it expires later', { expires_at: at }, { expires_at: later }],
    ['it expires no more', { expires_at: at }, { expires_at: null }],
    ['a suspension ends', { suspended_at: at }, { suspended_at: null }],
    ['an end user is resumed', { suspended_end_users: [ana, bo] }, { suspended_end_users: [bo] }],
    ['a limit of end users goes', { end_user_limits: [limit(5)] }, {}],
    ['the name changes', { name: 'a' }, { name: 'b' }],
    ['one field narrows and one widens', { models: ['a'], name: null }, { models: [], name: 'b' }],
    ['its sessions may send more', {}, { max_session_body_bytes: 2_000_000 }],
    ['its sessions need prove less', { session_proof: 'once' }, { session_proof: 'nonce' }],
    ['its sessions need prove nothing', { session_proof: 'required' }, { session_proof: null }],
    ['it gets another secret', { prefix: 'a' }, { prefix: 'b' }],
    ['a secret ends later', { secrets: [old(at)] }, { secrets: [old(later)] }],
    ['a secret is another', { secrets: [old(at)] }, { secrets: [{ ...old(at), hash: 'c' }] }],
    ['a secret goes', { secrets: [old(at), old(at)] }, { secrets: [old(at)] }],
    ['secrets appear', {}, { secrets: [old(at)] }],
    ['the reason of its end goes', { revoked_because: 'leaked' }, {}],
  ])('not if %s', (_, before, after) => {
    expect(narrows(before, after)).toBe(false);
  });
});

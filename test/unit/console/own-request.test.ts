import { describe, expect, it } from 'vitest';
import { foreignRequest } from '../../../src/console/own-request.ts';

const own = { 'x-tollgate-console': '1' };

describe('a request to /console/api', () => {
  it.each(['POST', 'PUT', 'PATCH', 'DELETE'])(
    'that changes something (%s) must come from the console',
    (method) => {
      const asked = (headers: Record<string, string>) => foreignRequest({ method, headers })?.code ?? 'taken';
      expect(asked({ 'sec-fetch-site': 'same-origin', ...own })).toBe('taken');
      expect(asked({ 'sec-fetch-site': 'same-origin' })).toBe('origin_not_allowed');
      expect(asked(own)).toBe('origin_not_allowed');
      for (const site of ['same-site', 'cross-site', 'none', 'Same-Origin', '']) {
        expect(asked({ 'sec-fetch-site': site, ...own }), site).toBe('origin_not_allowed');
      }
    },
  );

  it('over plain http, where browsers do not say where it comes from, is told to use https', () => {
    const said = (headers: Record<string, string>) => foreignRequest({ method: 'POST', headers })?.message;
    expect(said(own)).toContain('over https');
    expect(said({ ...own, 'sec-fetch-site': 'cross-site' })).not.toContain('https');
  });

  it.each(['GET', 'HEAD'])(
    'that reads (%s) may also be typed, and never comes from another site',
    (method) => {
      const asked = (headers: Record<string, string>) => foreignRequest({ method, headers })?.code ?? 'taken';
      expect(asked({})).toBe('taken');
      expect(asked({ 'sec-fetch-site': 'none' })).toBe('taken');
      expect(asked({ 'sec-fetch-site': 'same-origin' })).toBe('taken');
      expect(asked({ 'sec-fetch-site': 'same-site', ...own })).toBe('origin_not_allowed');
      expect(asked({ 'sec-fetch-site': 'cross-site', ...own })).toBe('origin_not_allowed');
      for (const purpose of ['prefetch', 'prefetch;prerender']) {
        const ahead = { 'sec-fetch-site': 'none', 'sec-purpose': purpose };
        expect(asked(ahead), 'Chromium, for a sibling host').toBe('origin_not_allowed');
      }
    },
  );
});

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hrefTo, routeIn } from '../../../console/router.ts';

describe('the address of a view', () => {
  it('has its parts and its filters; empty filters are left out', () => {
    expect(hrefTo(['teams', 'acme'], { tab: 'tokens', q: '' })).toBe('#/teams/acme?tab=tokens');
    expect(hrefTo([])).toBe('#/');
    const { parts, query } = routeIn('#/teams/acme?tab=tokens');
    expect(parts).toEqual(['teams', 'acme']);
    expect(query.get('tab')).toBe('tokens');
  });

  it('is read as well as it can be, if somebody has written it', () => {
    expect(routeIn('').parts).toEqual([]);
    expect(routeIn('#teams//acme/').parts).toEqual(['teams', 'acme']);
    expect(routeIn('#/teams/%E0%A4%A').parts).toEqual(['teams', '%E0%A4%A']);
  });

  it('leads back to the same parts and filters, whatever they are', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 });
    const filters = fc.dictionary(text, text);
    fc.assert(
      fc.property(fc.array(text), filters, (parts, query) => {
        const route = routeIn(hrefTo(parts, query));
        expect(route.parts).toEqual(parts);
        expect(Object.fromEntries(route.query)).toEqual({ ...query });
      }),
    );
  });
});

import { describe, expect, it } from 'vitest';
import { email, endUser, name, origin } from '../../../src/base/fields.ts';
import { modelPriceFields } from '../../../src/identity/records/model-price.ts';
import { subject } from '../../../src/identity/records/identity.ts';

const labels = {
  name,
  endUser,
  email: email.refine((text) => text.includes('@')),
  origin,
  issuer: subject.shape.issuer,
  sub: subject.shape.sub,
};

/** A valid text of each, with something in the middle of it. */
const withInside: Record<keyof typeof labels, (inside: string) => string> = {
  name: (inside) => `Ana${inside}Bell`,
  endUser: (inside) => `visitor${inside}7`,
  email: (inside) => `ana${inside}bell@example.com`,
  origin: (inside) => `app://ed${inside}itor`,
  issuer: (inside) => `https://id${inside}.example`,
  sub: (inside) => `user${inside}7`,
};

describe.each(Object.keys(labels) as (keyof typeof labels)[])('a text that callers choose: %s', (kind) => {
  const accepts = (inside: string): boolean => labels[kind].safeParse(withInside[kind](inside)).success;

  it('may be in any script', () => {
    expect(accepts('')).toBe(true);
    if (kind === 'name')
      for (const text of ['é', 'ش', '名', '👩‍💻', '\u200c']) expect(accepts(text)).toBe(true);
  });

  it.each([
    '\u0000',
    '\t',
    '\n',
    '\u001b[2J',
    '\u007f',
    '\u0085',
    '\u2028',
    '\u2029',
    '\ud800',
    '\u061c',
    '\u200e',
    '\u200f',
    '\u202a',
    '\u202e',
    '\u2066',
    '\u2069',
  ])('has no character that moves a cursor or turns the text: %j', (text) => {
    expect(accepts(text)).toBe(false);
  });
});

describe('a name that stands in paths of the API', () => {
  it.each(['.', '..', '../suspend', 'a/../b', './a', 'a/.'])('is not %j, which leads elsewhere', (text) => {
    expect(endUser.safeParse(text).success).toBe(false);
    expect(modelPriceFields.shape.id.safeParse(text).success).toBe(false);
  });

  it.each(['...', 'v1.2', '.a', 'a..', 'a/b', 'a//b'])('may be %j', (text) => {
    expect(endUser.safeParse(text).success).toBe(true);
    expect(modelPriceFields.shape.id.safeParse(text).success).toBe(true);
    const path = `/admin/teams/acme/end-users/${encodeURIComponent(text)}/suspend`;
    expect(new URL(path, 'https://gateway.example').pathname).toBe(path);
  });
});

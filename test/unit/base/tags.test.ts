import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasTags, parseTagList, tagIn, tags, tagsIn, tagText } from '../../../src/base/tags.ts';

const key = fc.stringMatching(/^[a-z][a-z0-9_-]{0,19}$/);
const value = fc.stringMatching(/^[A-Za-z0-9._:/@-]{1,40}$/);
const anyTags = fc.dictionary(key, value, { maxKeys: 8, noNullPrototype: true });

describe('the text of tags', () => {
  it('has them all, and is the same whatever their order', () => {
    fc.assert(
      fc.property(anyTags, (of) => {
        const text = tagText(of);
        const turned = Object.fromEntries(Object.entries(of).toReversed());
        expect(tagText(turned)).toBe(text);
        expect(tagsIn(text) ?? {}).toEqual(of);
        for (const [name, wanted] of Object.entries(of)) expect(tagIn(text, name)).toBe(wanted);
        expect(hasTags(text, of)).toBe(true);
      }),
    );
  });

  it('has no tag whose key or value only begins or ends like one', () => {
    const text = tagText({ project: 'website', team: 'b' });
    for (const [name, wanted] of [
      ['project', 'web'],
      ['project', 'website2'],
      ['proj', 'website'],
      ['ject', 'website'],
      ['website', 'b'],
    ] as const) {
      expect(hasTags(text, { [name]: wanted })).toBe(false);
    }
    expect(tagIn(text, 'ject')).toBeNull();
    expect(hasTags('', {})).toBe(true);
  });
});

describe('a list of tags', () => {
  it('may have blanks around its tags', () => {
    expect(parseTagList(' project=x ,env=a:b/c@d')).toEqual({ project: 'x', env: 'a:b/c@d' });
  });

  it.each([
    ['without a value', 'project', 'must be tags such as'],
    ['with an empty value', 'project=', 'value'],
    ['with an empty tag', 'project=x,', 'must be tags'],
    ['with another character in a key', 'Project=x', 'tag key'],
    ['with another character in a value', 'project=a b', 'value'],
    ['with a value that is too long', `project=${'x'.repeat(41)}`, 'value'],
    ['with a key twice', 'project=x, project=y', 'twice'],
    ['with a prototype', '__proto__=x', 'tag key'],
    ['with bytes of a header that are no ASCII', 'project=Ã¤', 'value'],
  ])('is refused %s', (_, list, problem) => {
    expect(parseTagList(list)).toEqual(expect.stringContaining(problem));
  });

  it('does not take a token for a value', () => {
    const secret = `tgk_${'0'.repeat(36)}`;
    const taken = parseTagList(`project=${secret}`);
    expect(taken).toEqual(expect.not.stringContaining(secret));
  });
});

describe('tags of a record', () => {
  it.each([
    ['none', {}, true],
    ['eight', Object.fromEntries('abcdefgh'.split('').map((name) => [name, 'x'])), true],
    ['nine', Object.fromEntries('abcdefghi'.split('').map((name) => [name, 'x'])), false],
    ['a number as a value', { project: 1 }, false],
    ['a list', ['project'], false],
    ['a key in capitals', { Project: 'x' }, false],
  ])('may be %s: %j is %s', (_, of, isValid) => {
    expect(tags.safeParse(of).success).toBe(isValid);
  });
});

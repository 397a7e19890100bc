import { describe, expect, it } from 'vitest';
import { padded, shortened, widthOf, wrapped } from '../../../src/cli/text-width.ts';

describe('the width of a text', () => {
  it.each([
    ['', 0],
    ['plain', 5],
    ['Zoë', 3],
    ['Zoe\u0308', 3],
    ['日本', 4],
    ['한국', 4],
    ['ｆｕｌｌ', 8],
    ['👍', 2],
    ['👩‍👩‍👧', 2],
    ['🇩🇪', 2],
    ['a\u200bb', 2],
    ['…', 1],
  ])('of %j is %i', (text, width) => {
    expect(widthOf(text)).toBe(width);
  });
});

describe('shortened', () => {
  it.each([
    ['short', 5, 'short'],
    ['longer', 5, 'long…'],
    ['日本語日本', 6, '日本…'],
    ['Zoe\u0308Zoe\u0308', 4, 'Zoe\u0308…'],
    ['👩‍👩‍👧👩‍👩‍👧', 3, '👩‍👩‍👧…'],
  ])('%j in %i columns is %j', (text, most, short) => {
    expect(shortened(text, most)).toBe(short);
  });
});

it('pads by what is seen', () => {
  expect([padded('日本', 6), padded('7', 3, true), padded('long', 2)]).toEqual(['日本  ', '  7', 'long']);
});

it('wraps between words, and leaves a word whole', () => {
  expect(wrapped('one two three', 7)).toEqual(['one two', 'three']);
  expect(wrapped('a https://long.example/claim b', 10)).toEqual(['a', 'https://long.example/claim', 'b']);
  expect(wrapped('', 7)).toEqual(['']);
});

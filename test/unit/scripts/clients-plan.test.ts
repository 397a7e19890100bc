import { describe, expect, it } from 'vitest';
import { clientsProblem } from '../../../scripts/clients-plan.ts';

const itself = { '': { name: 'tests' } };
const openai = { 'node_modules/openai': { version: '7.55.0' } };
const lock = (packages: object): string => JSON.stringify({ packages });

describe('the packages of the tests of clients', () => {
  it('are those of the lock', () => {
    expect(clientsProblem(lock({ ...itself, ...openai }), lock(openai))).toBeNull();
  });

  it('may lack what is for other platforms', () => {
    const other = { 'node_modules/other-os': { version: '1.0.0', optional: true } };
    expect(clientsProblem(lock({ ...itself, ...openai, ...other }), lock(openai))).toBeNull();
  });

  it.each([
    ['nothing is installed', null],
    ['one is of another version', lock({ 'node_modules/openai': { version: '7.54.0' } })],
    ['one is missing', lock({})],
    ['one is there that the lock has not', lock({ ...openai, 'node_modules/more': { version: '1.0.0' } })],
  ])('are installed where %s', (_how, installed) => {
    expect(clientsProblem(lock({ ...itself, ...openai }), installed)).toMatch(/packages/);
  });
});

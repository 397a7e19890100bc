import { expect, it } from 'vitest';
import { moderations } from '../../../../src/validation/endpoints/moderations.ts';

it('takes a text', () => {
  expect(moderations.validate({ model: 'm', input: '' }, () => null)).toMatchObject({
    details: { param: 'input' },
  });
  expect(moderations.validate({ model: 'm', input: 'a' }, () => null)).toMatchObject({
    model: 'm',
    images: 0,
  });
});

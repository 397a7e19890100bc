import { Refusal } from './refusal.ts';

/** The answer for a path that there is not. It is not repeated: people paste tokens anywhere. */
export const nothingHere = new Refusal(
  'not_found',
  'There is nothing at this path; GET / says what there is.',
);

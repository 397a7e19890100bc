import { Refusal } from './refusal.ts';

/* Answers if no route matches. They do not repeat the path, because people paste tokens anywhere. */

/** The refusal for a path that does not exist. */
export const nothingHere = new Refusal(
  'not_found',
  'There is nothing at this path; GET / says what there is.',
);

/** The refusal for a path that exists under `/v1`. */
export const missingVersion = new Refusal(
  'not_found',
  'There is nothing at this path; the base URL lacks /v1, which your client does not add by itself.',
);

/** The refusal for `/v1/v1/…`. */
export const doubledVersion = new Refusal(
  'not_found',
  'There is nothing at this path; the base URL has one /v1 too many: your client adds it by itself.',
);

/** The refusal for a method that a path does not have. HEAD is allowed if GET is: RFC 9110, 9.3.2. */
export function methodNotAllowed(path: string, methods: readonly string[]): Refusal {
  const possible = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
  const allow = possible.join(', ');
  const spoken = allow.replace(/, ([^,]*)$/, ' and $1');
  const message = `On ${path} only ${spoken} ${possible.length === 1 ? 'is' : 'are'} possible.`;
  return new Refusal('method_not_allowed', message, { headers: { allow } });
}

import { Refusal } from './refusal.ts';

/** What a path answers to a method it does not have. HEAD is possible wherever GET is: RFC 9110, 9.3.2. */
export function methodNotAllowed(path: string, methods: readonly string[]): Refusal {
  const possible = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
  const allow = possible.join(', ');
  const spoken = allow.replace(/, ([^,]*)$/, ' and $1');
  const message = `On ${path} only ${spoken} ${possible.length === 1 ? 'is' : 'are'} possible.`;
  return new Refusal('method_not_allowed', message, { headers: { allow } });
}

import { withoutCredentials } from '../../base/credential-text.ts';
import type { Refusal } from '../../base/refusal.ts';

/** A refusal as the error of a response. */
export function toldError({ code, message }: Refusal): { code: string; message: string } {
  return { code, message: withoutCredentials(message) };
}

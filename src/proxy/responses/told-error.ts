import { withoutCredentials } from '../../base/credential-text.ts';
import { errorTable, type Refusal } from '../../base/refusal.ts';

/** Why an answer failed, as a response and an error event tell it. */
export interface ToldError {
  type: string;
  code: string;
  message: string;
}

/** A refusal as the error of a response. */
export function toldError({ code, message, details }: Refusal): ToldError {
  return { type: details.type ?? errorTable[code].type, code, message: withoutCredentials(message) };
}

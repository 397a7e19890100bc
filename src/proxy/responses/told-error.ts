import { withoutCredentials } from '../../base/credential-text.ts';
import { errorTable, type Refusal } from '../../base/refusal.ts';
import { rawOf } from './raw-json.ts';

/** Why an answer failed, as a response and an error event tell it: raw strings. */
export interface ToldError {
  type: string;
  code: string;
  message: string;
}

/** A refusal as the error of a response. */
export function toldError({ code, message, details }: Refusal): ToldError {
  return { type: details.type ?? errorTable[code].type, code, message: rawOf(withoutCredentials(message)) };
}

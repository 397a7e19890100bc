import { looksLikeCredential } from '../base/credential-text.ts';

/** A span of somebody else, as `traceparent` and `tracestate` tell of it. */
export interface RemoteSpan {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly isSampled: boolean;
  /** As it came; '' if there is none, or it is no list of the standard's form. */
  readonly traceState: string;
}

/** `version-traceid-parentid-flags`. What follows may be there in later versions only. */
const form = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const sampledFlag = 1;

/**
 * What a request says of the span that it belongs to; null if it says nothing, or nothing that the standard allows (W3C
 * Trace Context, 3.2: then it begins a trace of its own). Pure.
 */
export function remoteSpan(
  traceparent: string | string[] | undefined,
  tracestate: string | string[] | undefined,
): RemoteSpan | null {
  if (typeof traceparent !== 'string') return null;
  const [, version, traceId, spanId, flags, rest] = form.exec(traceparent) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return null;
  if (version === '00' && rest !== undefined) return null;
  const isSampled = (Number.parseInt(flags, 16) & sampledFlag) === sampledFlag;
  return { traceId, spanId, isSampled, traceState: traceStateOf(tracestate) };
}

const maxMembers = 32;
const maxLength = 512;
const key = String.raw`(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})`;
const member = new RegExp(
  `^${key}=[\\x20-\\x2b\\x2d-\\x3c\\x3e-\\x7e]{0,255}[\\x21-\\x2b\\x2d-\\x3c\\x3e-\\x7e]$`,
);

/** The list if all of it is in the standard's form (W3C Trace Context, 3.3); else '', as for one with a credential in it. */
function traceStateOf(header: string | string[] | undefined): string {
  if (header === undefined) return '';
  const text = Array.isArray(header) ? header.join(',') : header;
  if (text.length > maxLength || looksLikeCredential(text)) return '';
  const members = text.split(',').flatMap((each) => each.trim() || []);
  const isFit = members.length <= maxMembers && members.every((each) => member.test(each));
  return isFit ? members.join(',') : '';
}

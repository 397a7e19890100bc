import type { Problem } from '../base/refusal.ts';
import type { JsonObject, JsonValue } from '../base/request.ts';
import { Findings, joinPath } from './findings.ts';

/** From here on doubles skip integers: what is sent on would not be what was sent in. */
const unsafeMagnitude = 2 ** 53;

interface Place {
  key: string;
  value: JsonValue;
  path: string;
}

/** UTF-8 has no half of a pair, so no upstream could keep it (RFC 7493, 2.1); scripts that cut an emoji in two send such. */
const halfPair = 'holds half of a surrogate pair; send whole characters (in JavaScript: toWellFormed())';

/**
 * Names every number too large to be sent on unchanged, every `__proto__` key and every text with half a character,
 * in a value that JSON.parse made (it gives `__proto__` as an own key). Iterative; the caller has bounded depth and size.
 */
export function unsafeValues(root: JsonObject): readonly Problem[] {
  const findings = new Findings();
  const places: Place[] = [{ key: '', value: root, path: '' }];
  for (let place = places.pop(); place && !findings.full; place = places.pop()) {
    const { key, value, path } = place;
    if (key === '__proto__') findings.add(path, 'is a name that is not accepted; rename or remove it');
    if (!key.isWellFormed()) findings.add(path.toWellFormed(), `is a name that ${halfPair}`);
    if (typeof value === 'string' && !value.isWellFormed()) findings.add(path.toWellFormed(), halfPair);
    if (typeof value === 'number' && Math.abs(value) >= unsafeMagnitude) {
      findings.add(path, 'must be smaller than 2^53 in size; send it as a string');
    }
    if (typeof value === 'object' && value !== null) pushChildren(places, value, path);
  }
  return findings.problems;
}

/** Last to first, so that they are popped in the order of the text. */
function pushChildren(places: Place[], parent: JsonValue[] | JsonObject, path: string): void {
  for (const [key, value] of Object.entries(parent).toReversed()) {
    places.push({ key, value, path: joinPath(path, key) });
  }
}

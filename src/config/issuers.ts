import { z } from 'zod';
import { exactNumbers } from '../base/exact-number.ts';
import { type JsonValue, plainNumbers } from '../base/request.ts';
import type { TrustedIssuer } from './issuer.ts';
import { checkFile } from './file-problems.ts';
import { readTextFile } from './text-file.ts';
import { issuerEntryIn, toTrustedIssuer } from './issuer-entry.ts';

type IssuersResult = { ok: true; issuers: TrustedIssuer[] } | { ok: false; problems: string[] };

function issuersFileIn(env: NodeJS.ProcessEnv) {
  return z.strictObject({ $comment: z.string().optional(), issuers: z.array(issuerEntryIn(env)) });
}

/** Only the names of issuers, so that a duplicate is reported even if other fields are wrong. */
const named = z.object({ issuers: z.array(z.object({ issuer: z.string() }).nullable().catch(null)) });

/**
 * Loads and checks the trusted issuers. `env` has the secrets that the file names. Reports all problems at once, each with
 * its path inside the file.
 */
export function loadIssuers(file: string, env: NodeJS.ProcessEnv = {}): IssuersResult {
  const read = readTextFile(file);
  return 'problem' in read ? failure([read.problem]) : parseIssuers(read.text, env);
}

/** The same for the file's text. Pure. */
export function parseIssuers(text: string, env: NodeJS.ProcessEnv = {}): IssuersResult {
  const read = readJson(text);
  if ('problem' in read) return failure([read.problem]);
  const parsed = checkFile(issuersFileIn(env), read.value);
  const problems = [...(parsed.ok ? [] : parsed.problems), ...repeatedIssuers(read.value)];
  if (!parsed.ok || problems.length > 0) return failure(problems);
  return { ok: true, issuers: parsed.data.issuers.map(toTrustedIssuer) };
}

/** A key `__proto__` is refused: objects drop it silently, and with it perhaps a restricting rule. */
function readJson(text: string): { value: unknown } | { problem: string } {
  let hasProto = false;
  try {
    const value = JSON.parse(text, (key, member, context) => {
      hasProto ||= key === '__proto__';
      return exactNumbers(key, member, context);
    }) as JsonValue; // JSON.parse gives nothing else
    // The requests that sessions pin keep the digits of their numbers.
    return hasProto
      ? { problem: 'expected no key named __proto__' }
      : { value: plainNumbers(value, 'pinned') };
  } catch {
    return { problem: 'expected a JSON file' };
  }
}

function repeatedIssuers(value: unknown): string[] {
  const parsed = named.safeParse(value);
  if (!parsed.success) return [];
  const seen = new Map<string, number>();
  return parsed.data.issuers.flatMap((entry, index) => {
    if (entry === null) return [];
    const first = seen.get(entry.issuer);
    if (first !== undefined) {
      return [
        `issuers.${index}.issuer: expected each issuer once, but this is also issuers.${first}; merge the two`,
      ];
    }
    seen.set(entry.issuer, index);
    return [];
  });
}

function failure(problems: string[]): IssuersResult {
  return { ok: false, problems: problems.map((problem) => `ISSUERS_FILE: ${problem}.`) };
}

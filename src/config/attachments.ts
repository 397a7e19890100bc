import type { Attachment } from '../base/attachment.ts';
import { trimmed } from './variables.ts';

/** The names that Heroku gives by default, or by `--as` in its documentation (Dev Center, heroku-inference). */
const knownNames: ReadonlySet<string> = new Set(['INFERENCE', 'EMBEDDING', 'DIFFUSION', 'RERANK']);

/**
 * Finds the inference attachments in the environment. A name counts if it has `_URL` and `_KEY` and is known, or has
 * `_MODEL_ID`, or its key begins with `inf-`. So colours (`INFERENCE_MAROON_URL`) count; other add-ons' URLs do not.
 * Pure; sorted by name; problems never contain a value.
 */
export function findAttachments(env: NodeJS.ProcessEnv): {
  attachments: Attachment[];
  problems: string[];
} {
  const attachments: Attachment[] = [];
  const problems: string[] = [];
  for (const name of candidateNames(env)) {
    const candidate = readCandidate(env, name);
    if (candidate === null) continue;
    if ('problems' in candidate) problems.push(...candidate.problems);
    else attachments.push(candidate);
  }
  if (attachments.length === 0 && problems.length === 0) {
    problems.push(
      'INFERENCE_URL, INFERENCE_KEY: expected at least one Heroku inference attachment (<NAME>_URL and <NAME>_KEY).',
    );
  }
  return { attachments, problems };
}

function candidateNames(env: NodeJS.ProcessEnv): string[] {
  const names = Object.keys(env).flatMap((variable) => /^(\w+)_(?:URL|KEY)$/.exec(variable)?.[1] ?? []);
  return [...new Set(names)].sort();
}

function readCandidate(env: NodeJS.ProcessEnv, name: string): Attachment | { problems: string[] } | null {
  const url = trimmed(env[`${name}_URL`]);
  const key = trimmed(env[`${name}_KEY`]);
  const modelId = trimmed(env[`${name}_MODEL_ID`]) ?? null;
  if (url === undefined || key === undefined) {
    if (!knownNames.has(name) || (url ?? key) === undefined) return null;
    const badUrl = url !== undefined && normaliseUrl(url) === null;
    const present = badUrl ? [`${name}_URL: ${urlExpectation}`] : [];
    return { problems: [missingHalf(name, url === undefined), ...present] };
  }
  if (!knownNames.has(name) && modelId === null && !key.startsWith('inf-')) return null;

  const baseUrl = normaliseUrl(url);
  const problems = [
    ...(baseUrl === null ? [`${name}_URL: ${urlExpectation}`] : []),
    ...(/^[\x21-\x7e]+$/.test(key) ? [] : [`${name}_KEY: expected visible ASCII characters only.`]),
    ...(modelId === null || /^[A-Za-z0-9._:/-]{1,128}$/.test(modelId)
      ? []
      : [`${name}_MODEL_ID: expected at most 128 of the characters A-Z a-z 0-9 . _ : / -`]),
  ];
  return baseUrl === null || problems.length > 0 ? { problems } : { name, baseUrl, key, modelId };
}

const urlExpectation =
  'expected an http or https URL such as https://us.inference.heroku.com, without credentials, query or fragment.';

function missingHalf(name: string, urlMissing: boolean): string {
  const [missing, present] = urlMissing ? ['URL', 'KEY'] : ['KEY', 'URL'];
  return `${name}_${missing}: expected to be set, since ${name}_${present} is set.`;
}

/** People write the URL with or without `/v1` and a trailing slash. */
function normaliseUrl(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return null;
  if (url.username || url.password || url.search || url.hash) return null;
  const path = url.pathname.replace(/\/+$/, '').replace(/\/v1$/, '').replace(/\/+$/, '');
  return `${url.origin}${path}`;
}

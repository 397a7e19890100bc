import { z } from 'zod';
import { asciiLowerCase } from './ascii-case.ts';
import { looksLikeCredential } from './credential-text.ts';
import { windows } from './limit.ts';
import { nanoUsdPerUsd } from './price.ts';
import { tags, tagText } from './tags.ts';

/*
 * The fields of records, queries, sessions and issuers. Messages say what is expected, and never repeat the value. What
 * a caller names is stored and shown, so no name may look like a credential.
 */

const maxListLength = 64;
const maxLimits = 16;

/** A text that names something, or someone. */
export function named(text: z.ZodString): z.ZodString {
  return text.refine((value) => !looksLikeCredential(value), {
    error: 'looks like a token or a key: never put one into a name, and replace this one if it is real',
  });
}

export const slug = named(
  z.string().regex(/^[a-z0-9][a-z0-9-]{0,38}$/, 'must be 1 to 39 of a-z, 0-9 and -, and not begin with -'),
);

/** What moves a cursor, breaks a line, or turns the direction of text: it would make one text look like another. */
const unsafe = String.raw`\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}`;
export const unsafeCharacters = new RegExp(`[${unsafe}]`, 'gu');

/** A text of a caller that is shown in tables, logs and reports. */
export function label(): z.ZodString {
  const safe = new RegExp(`^[^${unsafe}]*$`, 'u');
  return named(
    z.string().regex(safe, 'must not contain control characters, nor such as change the direction of text'),
  );
}

export const name = label()
  .min(1, 'must not be empty; null clears it')
  .max(200, 'must have at most 200 characters');

const emailPattern = new RegExp(`^[^\\s@${unsafe}]+@[^\\s@${unsafe}]+$`, 'u');

/** Only shown; nobody sends mail to it. So an @ between two parts is enough. */
export const email = named(
  z.string().regex(emailPattern, 'must be an e-mail address').max(254, 'must have at most 254 characters'),
);

export const model = named(
  z
    .string()
    .regex(/^[A-Za-z0-9._:/-]{1,128}$/, 'must be a model id: 1 to 128 of A-Z, a-z, 0-9 and . _ : / -'),
);

export const tool = named(
  z
    .string()
    .regex(/^[A-Za-z0-9._:/@-]{1,128}$/, 'must be a tool name: 1 to 128 of A-Z, a-z, 0-9 and . _ : / @ -'),
);

export const origin = named(
  z
    .string()
    .max(300, 'must have at most 300 characters')
    .refine((text) => text === 'none' || isExactOrigin(text), {
      error:
        'must be an origin as browsers send it, such as https://app.example.com (no path, no *), or "none"',
    }),
);

/** `.` or `..` as a step of a path: whatever escapes it, it leads to another path (WHATWG URL, 4.4). */
const dotStep = /(?:^|\/)\.{1,2}(?:\/|$)/;

/** What stands in a path of the API, and is not bounded to a pattern without such steps. */
export function inPath(text: z.ZodString): z.ZodString {
  return text.refine((value) => !dotStep.test(value), {
    error: 'must not be . or .., nor have one between slashes: in a path of the API it leads elsewhere',
  });
}

/** The person that a session was made for. */
export const endUser = inPath(label())
  .min(1, 'must not be empty; leave it out if there is none')
  .refine((text) => Array.from(text).length <= 64, 'must have at most 64 characters');

/** A restricting list; duplicates are dropped. */
export function listOf<T extends string>(item: z.ZodType<T>): z.ZodType<T[]> {
  return z
    .array(item)
    .max(maxListLength, `must have at most ${maxListLength} entries`)
    .transform((items) => [...new Set(items)]);
}

/** A time in an answer. */
export const time = z.string().meta({ format: 'date-time', description: 'RFC 3339, UTC.' });

const isoTime = z.iso.datetime({ offset: true });
const firstTimeMs = Date.UTC(2000, 0, 1);
const lastTimeMs = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/**
 * A time that is taken from outside and stored: as UTC, whatever its offset was. Bounded after that, since UTC may be in
 * another year than the text: one that has five digits could not be read back.
 */
export const storedTime = z
  .string()
  .refine((text) => isoTime.safeParse(text).success, {
    error: 'must be an RFC 3339 time such as 2027-01-31T00:00:00Z',
    abort: true,
  })
  .refine((text) => Date.parse(text) >= firstTimeMs && Date.parse(text) <= lastTimeMs, {
    error: 'must be from 2000 to 9999, in UTC',
    abort: true,
  })
  .overwrite((text) => new Date(text).toISOString())
  .meta({ format: 'date-time', description: 'RFC 3339, UTC.' });

const limitEndpoints = listOf(
  named(z.string().regex(/^\/v1\/[a-z0-9/-]{1,100}$/, 'must be a path such as /v1/chat/completions')),
).refine((endpoints) => endpoints.length > 0, {
  error: 'must name an endpoint; leave it out to cover every endpoint',
});
const limitModels = listOf(model).refine((models) => models.length > 0, {
  error: 'must name a model; leave it out to cover every model',
});
const max = z
  .int('must be a whole number from 0 to 2^53 - 1')
  .min(0, 'must be a whole number from 0 to 2^53 - 1');

const maxUsd = 9_000_000; // in nano-dollars still an exact integer
const dollars = z
  .number(`must be dollars from 0 to ${maxUsd}`)
  .min(0, `must be dollars from 0 to ${maxUsd}`)
  .max(maxUsd, `must be dollars from 0 to ${maxUsd}`)
  .refine((usd) => Math.abs(usd * nanoUsdPerUsd - Math.round(usd * nanoUsdPerUsd)) < 0.01, {
    error: 'must have at most 9 decimals',
  });
const limitTags = tags
  .refine((wanted) => Object.keys(wanted).length > 0, {
    error: 'must name a tag; leave it out to cover requests with any tags',
  })
  .meta({ description: 'Only requests that have all these tags count.' });
const common = {
  id: z
    .string()
    .max(64, 'must have at most 64 characters')
    .meta({
      description: 'Told in answers. In a body it has no effect, so that a list can be sent back as it came.',
    })
    .exactOptional(),
  models: limitModels.exactOptional(),
  endpoints: limitEndpoints.exactOptional(),
  tags: limitTags.exactOptional(),
  enforce: z
    .boolean('must be true or false')
    .meta({ description: 'False: it only observes, which counts and refuses nothing.' })
    .exactOptional(),
};
const countCached = z.boolean('must be true or false').meta({
  description: 'False: input that is read from a prompt cache does not count.',
});
/** Money needs no such field: cached input has prices of its own. */
const notOfTokens = {
  count_cached: z.never('is only for limits on tokens; leave it out here').exactOptional(),
};
const window = z.enum(windows, `must be one of ${windows.join(', ')}`);

export const limit = z
  .discriminatedUnion(
    'metric',
    [
      z.strictObject({
        metric: z.literal('tokens'),
        window,
        max,
        ...common,
        count_cached: countCached.exactOptional(),
      }),
      z.strictObject({ metric: z.enum(['requests', 'images']), window, max, ...common, ...notOfTokens }),
      z.strictObject({ metric: z.literal('cost_usd'), window, max: dollars, ...common, ...notOfTokens }),
      z.strictObject({ metric: z.literal('concurrency'), max, ...common, ...notOfTokens }),
    ],
    {
      // Covers both an item that is not an object and an unknown metric.
      error: ({ input }) =>
        typeof input === 'object' && input !== null
          ? 'must be one of requests, tokens, images, cost_usd, concurrency'
          : 'must be an object such as {"metric":"requests","window":"day","max":100}',
    },
  )
  .meta({
    id: 'Limit',
    description:
      'A minute and an hour slide: no window of that length holds more than max. A day and a month are calendar windows in UTC.',
  });

/** Identifies a limit in its list, which has each one once. Changing `max` or `enforce` keeps the counter. */
export function limitIdentity(of: z.infer<typeof limit>): string {
  const over = of.metric === 'concurrency' ? '' : of.window;
  const endpoints = of.endpoints === undefined ? [] : [of.endpoints.toSorted()];
  const uncached = of.count_cached === false ? ['uncached'] : [];
  const tagged = of.tags === undefined ? [] : [tagText(of.tags)];
  return JSON.stringify([
    of.metric,
    over,
    of.models?.toSorted() ?? null,
    ...endpoints,
    ...uncached,
    ...tagged,
  ]);
}

export const limits = z
  .array(limit)
  .max(maxLimits, `must have at most ${maxLimits} limits`)
  .superRefine((list, context) => {
    const seen = new Set<string>();
    for (const [index, item] of list.entries()) {
      const identity = limitIdentity(item);
      if (seen.has(identity)) {
        context.addIssue({
          code: 'custom',
          path: [index],
          message: 'is a second limit with the same metric, window, models, endpoints, tags and count_cached',
        });
      }
      seen.add(identity);
    }
  })
  .overwrite((list) => list.map(({ id: _id, ...rest }) => rest));

/** Limits of each end user. Few: there is a counter of each for every end user. */
export const endUserLimits = limits.max(8, 'must have at most 8 limits');

/** Limits whose endpoints are among the paths given: one on a path there is not would count nothing. */
export function limitsAt(paths: readonly string[], all = limits) {
  return all.superRefine((list, context) => {
    for (const [index, { endpoints = [] }] of list.entries()) {
      for (const [at, path] of endpoints.entries()) {
        if (paths.includes(path)) continue;
        const message = `must be one of ${paths.join(', ')}`;
        context.addIssue({ code: 'custom', path: [index, 'endpoints', at], message });
      }
    }
  });
}

/** Only web schemes have an origin in the URL standard. Others (browser extensions) are kept as written. */
function isExactOrigin(text: string): boolean {
  if (text.search(unsafeCharacters) !== -1) return false;
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@\\*]+$/.test(text)) return false;
  return /^https?:/.test(text) ? URL.parse(text)?.origin === text : text === asciiLowerCase(text);
}

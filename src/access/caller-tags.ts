import type { CallerTags, Identity, Principal, ScopedLimit } from '../identity/records/identity.ts';
import { Refusal } from '../base/refusal.ts';
import { parseTagList, tagIn, type Tags, tagText } from '../base/tags.ts';

/** The header that sets tags of one request. It is never sent on. */
export const tagsHeader = 'x-tollgate-tags';

const none: CallerTags = { fixed: '', perRequest: [], inLimits: false };
const untaggedInLimits: CallerTags = { ...none, inLimits: true };

/**
 * The tags of a token, and of its session if it is one: what the token fixes, no session changes. A session's key that the
 * token may not set any more is ignored, and any key that the team no longer has. Computed once for a cached identity.
 */
export function callerTags({ team, token, session }: Identity, limits: readonly ScopedLimit[]): CallerTags {
  const inLimits = limits.some(({ limit }) => limit.tags !== undefined);
  const keys = team.tag_keys ?? [];
  if (keys.length === 0) return inLimits ? untaggedInLimits : none;
  const ofToken = token.request_tags ?? [];
  const ofSession = Object.entries(session?.tags ?? {}).filter(([key]) => ofToken.includes(key));
  const all: Tags = { ...Object.fromEntries(ofSession), ...token.tags };
  const fixed = Object.fromEntries(Object.entries(all).filter(([key]) => keys.includes(key)));
  const ofCaller =
    session === null ? ofToken : (session.request_tags ?? []).filter((key) => ofToken.includes(key));
  const perRequest = ofCaller.filter((key) => keys.includes(key) && !Object.hasOwn(fixed, key));
  return { fixed: tagText(fixed), perRequest, inLimits };
}

/** The tags of one request, as a text. `sent` is its header; a refusal if that is none, or more than is allowed. */
export function tagsOfRequest(
  { tags, identity }: Principal,
  sent: string | string[] | undefined,
): string | Refusal {
  if (sent === undefined || sent === '') return tags.fixed;
  const asked = parseTagList(String(sent));
  if (typeof asked === 'string') {
    return new Refusal('invalid_request', `The header ${tagsHeader} ${asked}.`, { param: tagsHeader });
  }
  const beyond = Object.entries(asked).find(
    ([key, value]) => !tags.perRequest.includes(key) && tagIn(tags.fixed, key) !== value,
  );
  if (beyond === undefined) return withTags(tags.fixed, asked);
  const [key] = beyond;
  const whose = identity.session === null ? 'token' : 'session';
  const why =
    tagIn(tags.fixed, key) === null
      ? `This ${whose} may not set the tag ${key}`
      : `This ${whose} fixes the tag ${key}`;
  const may = tags.perRequest.length === 0 ? 'none' : tags.perRequest.join(', ');
  const message = `${why} in the header ${tagsHeader}. It may set: ${may}.`;
  return new Refusal('tag_not_allowed', message, { param: tagsHeader });
}

function withTags(fixed: string, asked: Tags): string {
  const own = Object.entries(asked).filter(([key]) => tagIn(fixed, key) === null);
  const text = tagText(Object.fromEntries(own));
  if (fixed === '' || text === '') return fixed || text;
  return [...fixed.split(','), ...text.split(',')].sort().join(',');
}

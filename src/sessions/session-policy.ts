import { check } from '../base/check.ts';
import type { Problem } from '../base/refusal.ts';
import type { JsonObject } from '../base/request.ts';
import { type NewSession, sessionSchemas } from './schema.ts';
import { pinnedProblems } from './pinned.ts';
import { endpointPaths, endpoints } from '../validation/registry.ts';

const { sessionPolicy } = sessionSchemas({
  endpointPaths,
  pinnedPaths: endpoints.map(({ path }) => path),
});

/** What is wrong with the policy an issuer's entry gives its sessions; nothing where it is fine. */
export function sessionPolicyProblems(session: JsonObject): readonly Problem[] {
  const checked = check<NewSession>(sessionPolicy, session);
  if (!checked.ok) return checked.refusal.details.problems ?? [];
  const { pinned, endpoints: listed, tools } = checked.value;
  if (!pinned) return [];
  const path = pinned.endpoint ?? listed?.[0] ?? endpoints[0]?.path;
  const endpoint = endpoints.find((each) => each.path === path);
  if (!endpoint) return [];
  const whole = { fields: pinned.fields, allow: pinned.allow ?? [...endpoint.defaultAllow] };
  return pinnedProblems(endpoint, whole, { tools: tools ?? [], maxOutputTokens: () => null });
}

/** The policy, which was found to be fine at start. */
export function sessionPolicyOf(session: JsonObject): NewSession {
  return sessionPolicy.parse(session);
}

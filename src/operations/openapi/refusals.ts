import type { Access, DocumentedOperation } from '../../base/operation-docs.ts';
import { type ErrorCode, errorCodes, upstreamCodes } from '../../base/refusal.ts';

/** Of any request. */
const anyRequest: readonly ErrorCode[] = [
  'invalid_request',
  'https_required',
  'request_timeout',
  'expectation_failed',
  'headers_too_large',
  'not_implemented',
  'internal_error',
];

const anyCredential: readonly ErrorCode[] = [
  'missing_token',
  'invalid_token',
  'expired_token',
  'revoked_token',
  'suspended',
  'rate_limit_exceeded', // too many refused credentials from one address
  'store_unavailable',
];

const byAccess: Readonly<Record<Access, readonly ErrorCode[]>> = {
  anyone: [],
  'session or user': [
    ...anyCredential,
    'invalid_dpop_proof',
    'use_dpop_nonce',
    'origin_not_allowed',
    'overloaded',
  ],
  user: [...anyCredential, 'origin_not_allowed', 'overloaded', 'role_not_allowed'],
  administrator: [...anyCredential, 'overloaded', 'role_not_allowed'],
};

const anyBody: readonly ErrorCode[] = ['invalid_json', 'invalid_body', 'body_too_large'];

/** Of requests for a model: policy. */
const anyChecked: readonly ErrorCode[] = [
  'endpoint_not_allowed',
  'model_not_allowed',
  'model_unpriced',
  'tool_not_allowed',
  'tag_not_allowed',
  'field_not_allowed',
  'model_not_found',
];

/** Of those that are counted and sent on, besides: limits, and upstream errors. */
const anyForwarded: readonly ErrorCode[] = [
  'insufficient_quota',
  'in_progress',
  'replay_unavailable',
  'idempotency_key_reused',
  ...upstreamCodes,
];

/** All error codes of an operation, in the order of the table. */
export function codesOf(path: string, operation: DocumentedOperation): ErrorCode[] {
  const { docs, access, forwarded = false, checked = forwarded } = operation;
  const changes = docs.body !== undefined || docs.etag === 'asked';
  const possible = new Set<ErrorCode>([
    ...anyRequest,
    ...byAccess[access],
    ...(docs.body === undefined ? [] : anyBody),
    ...(docs.etag === 'asked' ? (['precondition_failed'] as const) : []),
    ...(checked ? anyChecked : []),
    ...(forwarded ? anyForwarded : []),
    // The bounds on changes, and on the records of a team.
    ...(access === 'administrator' && changes ? (['insufficient_quota'] as const) : []),
    ...(access === 'administrator' && path.includes('/:') ? (['not_found'] as const) : []),
    ...(docs.refusals ?? []),
  ]);
  return errorCodes.filter((code) => possible.has(code));
}

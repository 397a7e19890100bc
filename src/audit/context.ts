import { AsyncLocalStorage } from 'node:async_hooks';
import type { Actor } from '../base/actor.ts';
import { forwardedAddress } from '../base/client-address.ts';

/** Who asks for changes, and from where. */
export interface AuditContext {
  /** `root`, `root-previous`, `adm_…`, `oidc-…`, a holder's `tok_…`, `sign-in`, `leak-report`, `delivery`, `file`, `command-line`. */
  actor: string;
  /** The client's address, if it is known. */
  address: string | null;
  requestId: string | null;
  /** Of a leak report: where the credential was found; null if that is not told. */
  reportedUrl?: string | null;
}

/** What a request says about its sender. */
interface RequestSource {
  requestId: string;
  forwardedFor: string | string[] | undefined;
}

/** The audit context of a request that an actor sent. */
export type AuditContextOf = (actor: string, source: RequestSource) => AuditContext;

/** Only Heroku's router appends a trustworthy address to `X-Forwarded-For`, so elsewhere the address is unknown. */
export function auditContexts({ onDyno }: { onDyno: boolean }): AuditContextOf {
  return (actor, { requestId, forwardedFor }) => ({
    actor,
    address: onDyno ? forwardedAddress(forwardedFor) : null,
    requestId,
  });
}

const contexts = new AsyncLocalStorage<AuditContext>();

/** Does work for somebody: every change made in it, however deep, is recorded as theirs. */
export function actingAs<T>(context: AuditContext, work: () => T): T {
  return contexts.run(context, work);
}

/** Who asks for the change at hand. A change outside any context is recorded as `unknown`. */
export function currentContext(): AuditContext {
  return contexts.getStore() ?? { actor: 'unknown', address: null, requestId: null };
}

/** The name of an administrator in the trail. */
export function actorName(actor: Actor): string {
  switch (actor.kind) {
    case 'root':
      return actor.key === 'current' ? 'root' : 'root-previous';
    case 'administrator':
      return actor.id;
  }
}

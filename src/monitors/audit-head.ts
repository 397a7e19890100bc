import type { AuditTrail } from '../audit/audit-trail.ts';
import { dayMs, dayOf } from '../base/days.ts';
import type { Monitor } from './notice.ts';

const everyMs = 60_000;

/** The newest entry of the audit trail, as the first look of a UTC day finds it. */
export function auditHeadMonitor({ audit }: { audit: Pick<AuditTrail, 'head'> }): Monitor {
  return {
    name: 'audit.head',
    everyMs,
    period: dayOf,
    async *notices(nowMs) {
      const { sequence, hash } = await audit.head();
      if (hash === '') return;
      const day = dayOf(nowMs);
      yield {
        event: { type: 'audit.head', team: null, data: { day, sequence, hash } },
        mark: `audit.head ${day}`,
        untilMs: nowMs + 2 * dayMs,
      };
    },
  };
}

import { noCharge, type Charge } from '../base/outcome.ts';
import { dearest, type Price } from '../base/price.ts';
import type { ScopedLimit } from '../identity/records/identity.ts';
import { adjustments } from './charge.ts';
import { applied, type Grant, type LimitState, limitsOn } from './grant.ts';
import { chargesText } from './recorded-charges.ts';
import type { Settlement } from './store.ts';
import { emptyCounter } from './window.ts';

/*
 * A supplement: what limits hold for a request besides its grant, because another model than the one it was granted for
 * is to answer. A grant of its own, without an entry.
 */

interface Asked {
  model: string;
  endpoint: string;
  reserved: Charge;
  price: Price | null;
}

/** The limits that count the other model and do not count the request yet, or hold too little for it. */
export function neededBesides(
  grant: Pick<Grant, 'limits'>,
  limits: readonly ScopedLimit[],
  { reserved, price, ...asked }: Asked,
): readonly LimitState[] {
  const at = price && dearest(price);
  return limitsOn(limits, asked).flatMap((scoped) => {
    const whole = applied(scoped, reserved, at);
    const amount = whole.amount - (heldOf(grant, whole.id)?.applied.amount ?? 0);
    return amount > 0 ? [{ scoped, applied: { ...whole, amount }, counter: emptyCounter }] : [];
  });
}

export function supplementId(grantId: string): string {
  return `${grantId}${mark}`;
}

/** Whether a grant is a supplement: then another one has the entry. */
export function isSupplement(grantId: string): boolean {
  return grantId.endsWith(mark);
}

const mark = '+';

/** Charges the limits that only the supplement holds. The grant charges the others, so that they get all of this back. */
export function supplementSettlement(
  supplement: Grant,
  grant: Pick<Grant, 'limits'>,
  charged: Charge,
  price: Price | null,
): Settlement {
  const { id, incarnation, limits, admittedAtMs, request } = supplement;
  const own = limits.filter(({ applied: { id: limit } }) => heldOf(grant, limit) === undefined);
  const shared = limits.filter((limit) => !own.includes(limit));
  return {
    grant: id,
    incarnation,
    team: request.team,
    adjustments: [
      ...adjustments(own, charged, admittedAtMs, price),
      ...adjustments(shared, noCharge, admittedAtMs),
    ],
    charges: request.held === '' ? '' : chargesText(own, charged, admittedAtMs, price),
    closing: null,
  };
}

function heldOf({ limits }: Pick<Grant, 'limits'>, id: string): LimitState | undefined {
  return limits.find(({ applied: held }) => held.id === id);
}

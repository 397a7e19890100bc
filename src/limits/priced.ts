import type { ScopedLimit } from '../identity/records/identity.ts';
import type { Price } from '../base/price.ts';
import { Refusal } from '../base/refusal.ts';
import type { ValidRequest } from '../base/request.ts';
import { limitsOn } from './grant.ts';

/** A model without a price is not free: under a limit on money it cannot be used. */
export function checkPriced(
  limits: readonly ScopedLimit[],
  { model, endpoint }: Pick<ValidRequest, 'model' | 'endpoint'>,
  price: Price | null,
): Refusal | null {
  if (price !== null) return null;
  const onMoney = limitsOn(limits, { model, endpoint: endpoint.path }).some(
    ({ limit }) => limit.metric === 'cost_usd',
  );
  if (!onMoney) return null;
  const message = `A limit on money applies, and ${model} has no price in the catalogue of this gateway; use a model that has, or ask an administrator to add it.`;
  return new Refusal('model_unpriced', message, { param: 'model' });
}

import type { Identity } from './identity.ts';
import type { Limit } from '../../base/limit.ts';
import type { RealModel } from '../../base/model.ts';
import type { JsonObject } from '../../base/request.ts';

/** What may name models: a team, a token, a session, or one that is asked for. */
interface NamesModels {
  models?: string[] | null | undefined;
  limits?: Limit[] | null | undefined;
  end_user_limits?: Limit[] | null | undefined;
  pinned?: { fields: JsonObject } | null | undefined;
}

/** The record with every alias in it replaced by the model it stands for, so that checks compare real ids alone. */
export function withRealModels<T extends NamesModels>(record: T, real: RealModel): T {
  const { models, limits, end_user_limits: ofEndUsers, pinned } = record;
  return {
    ...record,
    ...(models ? { models: models.map(real) } : {}),
    ...(limits ? { limits: limits.map((limit) => realLimit(limit, real)) } : {}),
    ...(ofEndUsers ? { end_user_limits: ofEndUsers.map((limit) => realLimit(limit, real)) } : {}),
    ...(pinned ? { pinned: { ...pinned, fields: withRealModel(pinned.fields, real) } } : {}),
  };
}

/** A body that names its model; unchanged if that is no alias. */
export function withRealModel(body: JsonObject, real: RealModel): JsonObject {
  const { model } = body;
  if (typeof model !== 'string') return body;
  const id = real(model);
  return id === model ? body : { ...body, model: id };
}

/** An identity as the store has it, its aliases replaced. */
export function identityWithRealModels(identity: Identity, real: RealModel): Identity {
  const { gateway, gatewayEndUsers, team, user, token, session } = identity;
  return {
    ...identity,
    gateway: gateway.map((limit) => realLimit(limit, real)),
    ...(gatewayEndUsers ? { gatewayEndUsers: gatewayEndUsers.map((limit) => realLimit(limit, real)) } : {}),
    team: withRealModels(team, real),
    user: withRealModels(user, real),
    token: withRealModels(token, real),
    session: session && withRealModels(session, real),
  };
}

function realLimit<L extends Limit>(limit: L, real: RealModel): L {
  return limit.models ? { ...limit, models: limit.models.map(real) } : limit;
}

import { okList } from '../base/operation-docs.ts';
import { clearPrices, getPrices, setPrices } from '../identity/operations/prices.ts';
import { toPricesResponse } from '../identity/operations/shown-prices.ts';
import { type ModelPrice, noPrices } from '../identity/records/model-price.ts';
import { priceChange } from '../identity/schemas/requests.ts';
import { pricesResponse } from '../identity/schemas/responses.ts';
import type { AdminDeps } from './deps.ts';
import { resource } from './resource.ts';
import { needing, type AdminContext, type Reply, type Route } from './respond.ts';

const soon =
  'This process goes by it at once, others at their next heartbeat: within a quarter of LEASE_MS (5 s).';

/** `/admin/prices`: what models cost, by the catalogue and by what was set here. */
export function priceRoutes(deps: AdminDeps): Route[] {
  const prices = resource<ModelPrice>({
    schema: pricesResponse,
    toResponses: told,
  });

  async function told(records: readonly ModelPrice[]): Promise<object[]> {
    const nowMs = await deps.storeNowMs();
    return records.map((record) => toPricesResponse(record, deps.catalogue, nowMs));
  }

  /** Those of the catalogue in its order, then those that it does not have any more. */
  async function list(): Promise<Reply> {
    const set = new Map((await deps.prices.all()).map((record) => [record.id, record]));
    const models = [...new Set([...deps.catalogue.models(), ...set.keys()])];
    const data = await told(models.map((model) => set.get(model) ?? noPrices(model)));
    return { status: 200, body: { data } };
  }

  return [
    {
      path: '/admin/prices',
      methods: {
        GET: needing(
          'read-gateway',
          { summary: 'List what models cost', answer: okList(pricesResponse) },
          list,
        ),
      },
    },
    {
      path: '/admin/prices/:model{.+}',
      methods: {
        GET: prices.read(
          {
            needs: 'read-gateway',
            summary: 'Read what a model costs',
            refusals: ['not_found'],
          },
          (c) => getPrices(deps, modelIn(c)),
        ),
        PUT: prices.change(
          {
            needs: 'change-gateway',
            summary: 'Set what a model costs',
            details: `The list replaces the prices that were set and are to come; one without from begins now. Set prices count from the first of them on, before that the catalogue's do. None may begin in the past: what requests have cost stays as it is. ${soon}`,
            body: priceChange,
            refusals: ['not_found'],
          },
          (c, asked) => setPrices(deps, modelIn(c), { asked, precondition: c.get('precondition') }),
        ),
        DELETE: prices.end(
          {
            needs: 'change-gateway',
            summary: 'Take the prices back that were set of a model',
            details: `Those of the catalogue count again. ${soon}`,
            refusals: ['not_found'],
          },
          (c) => clearPrices(deps, modelIn(c), c.get('precondition')),
        ),
      },
    },
  ];
}

function modelIn(c: AdminContext): string {
  return c.req.param('model') ?? '';
}

import { z } from 'zod';
import { time } from '../base/fields.ts';
import { okList, type OperationDocs } from '../base/operation-docs.ts';
import { Refusal } from '../base/refusal.ts';
import { circuitStates } from '../upstream/circuit-breaker.ts';
import type { UpstreamState } from '../upstream/upstream-state.ts';
import type { AdminDeps } from './deps.ts';
import { needing, type Reply, type Route } from './respond.ts';

const text = z.string();
const count = z.int().min(0);
const circuit = z.enum(circuitStates);

const room = z
  .object({ remaining: count, limit: count.nullable(), resets_at: time })
  .nullable()
  .meta({ description: 'Null: not known. If resets_at is past, nothing is known of the window after it.' });

export const upstreamResponse = z
  .object({
    name: text.meta({ description: 'The attachment, as its config vars begin.' }),
    model_id: text.nullable().meta({ description: 'Null: it serves what its upstream lists.' }),
    models: z
      .array(text)
      .nullable()
      .meta({ description: 'What it serves; null: its upstream lists nothing, so any model is sent to it.' }),
    circuit: circuit.meta({
      description:
        'open: others are asked first. half-open: the next request finds out. The worst of its models.',
    }),
    failing: z
      .array(z.object({ model: text, circuit, open_until: time }))
      .meta({ description: 'The models whose circuit is not closed.' }),
    quota: z
      .object({
        told_at: time,
        blocked_until: time.nullable().meta({ description: 'A 429 has said to send nothing before then.' }),
        requests: room,
        tokens: room,
      })
      .nullable()
      .meta({
        description:
          'What the key has left: as the upstream said last, less what was sent since. Null: it said nothing.',
      }),
  } satisfies Record<keyof UpstreamState, z.ZodType>)
  .meta({ id: 'Upstream' });

const docs: OperationDocs = {
  summary: 'List the attachments, and how they are',
  details:
    'As the process knows it that answers; keys are shared by all processes, circuits are not. No key, and nothing made from one, is in it.',
  answer: okList(upstreamResponse),
  refusals: ['not_found'],
};

/** `GET /admin/upstreams` */
export function upstreamsRoute({ serving }: Pick<AdminDeps, 'serving'>): Route {
  function listed(): Promise<Reply> {
    if (serving === null) {
      const message = 'Only a running gateway knows its attachments: ask it over HTTP.';
      return Promise.resolve(new Refusal('not_found', message));
    }
    return Promise.resolve({ status: 200, body: { data: serving.upstreams() } });
  }

  return { path: '/admin/upstreams', methods: { GET: needing('read-gateway', docs, listed) } };
}

import { paths } from '../test/support/gateway-client.ts';
import { models } from '../test/support/gateway.ts';
import { asPrompt, type Behaviour } from './behaviour.ts';
import type { Instance } from './fleet.ts';
import type { Token } from './teams.ts';

/** The kinds of endpoint that the soak calls. */
type Kind = 'chat' | 'embeddings' | 'images';

/** A call as its caller knows it. */
export interface Call {
  requestId: string;
  token: Token;
  instance: Instance;
  kind: Kind;
  model: string;
  stream: boolean;
  body: string;
  /** What it reserves, by the contract. */
  reserves: { inputTokens: number; outputTokens: number; images: number };
  /** The caller leaves after this time; null if it stays. */
  leavesAfterMs: number | null;
  /** When it left; the soak's monotonic clock, ms. */
  leftMs: number | null;
  ended: CallEnd | null;
}

export type CallEnd =
  /** With a whole, good answer. */
  | { how: 'answered' }
  | { how: 'refused'; status: number; code: string }
  | { how: 'left' }
  /** No process listened there. */
  | { how: 'not connected' }
  /** The connection broke, or the answer did. */
  | { how: 'broken' };

export interface Draft {
  requestId: string;
  token: Token;
  instance: Instance;
  kind: Kind;
  stream: boolean;
  behaviour: Behaviour;
  maxTokens: number;
  images: number;
  leavesAfterMs: number | null;
}

/** The call a draft describes. */
export function makeCall(draft: Draft): Call {
  const { requestId, token, instance, kind, leavesAfterMs } = draft;
  const stream = kind === 'chat' && draft.stream;
  const model = models[kind];
  const body = JSON.stringify({ model, ...contents(draft, stream) });
  const inputTokens = kind === 'images' ? 0 : Math.ceil(body.length / 4);
  const reserves = {
    inputTokens,
    outputTokens: kind === 'chat' ? draft.maxTokens : 0,
    images: kind === 'images' ? draft.images : 0,
  };
  const open = { leavesAfterMs, leftMs: null, ended: null };
  return { requestId, token, instance, kind, model, stream, body, reserves, ...open };
}

function contents({ kind, behaviour, maxTokens, images }: Draft, stream: boolean): object {
  const prompt = asPrompt(behaviour);
  switch (kind) {
    case 'chat':
      return { messages: [{ role: 'user', content: prompt }], max_tokens: maxTokens, stream };
    case 'embeddings':
      return { input: prompt };
    case 'images':
      return { prompt, n: images };
  }
}

/** Longer than any call may take. */
const stuckAfterMs = 60_000;

/** Makes the call and records how it ended. Rejects if it does not end. */
export async function perform(call: Call): Promise<void> {
  const leaving = new AbortController();
  const leave = (): void => {
    call.leftMs = performance.now();
    leaving.abort();
  };
  const timer = call.leavesAfterMs === null ? undefined : setTimeout(leave, call.leavesAfterMs);
  const stuck = AbortSignal.timeout(stuckAfterMs);
  try {
    call.ended = await exchange(call, AbortSignal.any([leaving.signal, stuck]));
  } catch (error) {
    if (stuck.aborted) throw new Error(`A call had no end: ${call.requestId}`, { cause: error });
    if (leaving.signal.aborted) call.ended = { how: 'left' };
    else call.ended = { how: isRefusedConnection(error) ? 'not connected' : 'broken' };
  } finally {
    clearTimeout(timer);
  }
}

async function exchange(call: Call, signal: AbortSignal): Promise<CallEnd> {
  const answer = await fetch(`${call.instance.url}${paths[call.kind]}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${call.token.text}`, 'x-request-id': call.requestId },
    body: call.body,
    signal,
  });
  const text = await answer.text();
  if (answer.status === 200) {
    const isWhole = !call.stream || text.endsWith('data:[DONE]\n\n');
    return { how: isWhole ? 'answered' : 'broken' };
  }
  const { error } = JSON.parse(text) as { error: { code: string } };
  return { how: 'refused', status: answer.status, code: error.code };
}

function isRefusedConnection(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
}

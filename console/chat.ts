import { type Problem, problemIn, problemOf } from './api.ts';
import { bearer, type Send } from './page-key.ts';

/* A streamed answer of `/v1/chat/completions`, as any client gets it. */

/** What has come of an answer so far. */
export interface Reply {
  text: string;
  toolCalls: readonly ToolCall[];
  usage: Record<string, unknown> | null;
  model: string | null;
  /** By which the ledger's entry is found. */
  requestId: string | null;
}

export interface ToolCall {
  /** Which of the answer's calls it is. */
  index: number;
  name: string;
  arguments: string;
}

interface Delta {
  content?: string | null;
  tool_calls?: { index?: number; function?: { name?: string; arguments?: string } }[];
}

interface Chunk {
  model?: string;
  usage?: Record<string, unknown> | null;
  choices?: { delta?: Delta }[];
  error?: { message?: string };
}

interface Asked {
  send: Send;
  body: object;
  signal: AbortSignal;
  /** Called with all that has come, whenever more comes. */
  onReply: (reply: Reply) => void;
}

export const nothingYet: Reply = { text: '', toolCalls: [], usage: null, model: null, requestId: null };

/** Sends a chat and reads the answer as it comes. Returns what went wrong, or null. */
export async function streamChat({ send, body, signal, onReply }: Asked): Promise<Problem | null> {
  let hasBegun = false;
  try {
    const asked = { method: 'POST', body: JSON.stringify({ ...body, stream: true }), signal };
    const response = await send('/v1/chat/completions', asked);
    if (!response.ok || response.body === null) return problemIn(response.status, await response.text());
    hasBegun = true;
    let reply: Reply = { ...nothingYet, requestId: response.headers.get('x-request-id') };
    for await (const data of dataOf(response.body)) {
      if (data === '[DONE]') break;
      const chunk = JSON.parse(data) as Chunk; // the upstream's, and only shown
      if (chunk.error) return problemOf(chunk.error.message ?? 'The answer broke off.');
      reply = withChunk(reply, chunk);
      onReply(reply);
    }
    return null;
  } catch {
    if (signal.aborted) return null;
    return problemOf(
      hasBegun
        ? 'The answer broke off before its end.'
        : 'The gateway cannot be reached. Check your connection.',
    );
  }
}

/** The models that a token may use, by its own word; none if they cannot be had. */
export async function modelsOf(token: string): Promise<string[]> {
  try {
    const response = await bearer(token)('/v1/models', {});
    const { data = [] } = (await response.json()) as { data?: { id: string }[] };
    return data.map(({ id }) => id);
  } catch {
    return [];
  }
}

/** Names of models that do something else; the list of models does not say what they do. */
const otherKinds = /embed|image|rerank|diffusion/;

/** Those of the models that chat, as far as their names tell; all if none does. Pure. */
export function chatModelsIn(ids: readonly string[]): readonly string[] {
  const found = ids.filter((id) => !otherKinds.test(id));
  return found.length === 0 ? ids : found;
}

/** The reply with another chunk. Pure. */
export function withChunk(reply: Reply, { model, usage, choices = [] }: Chunk): Reply {
  const delta = choices[0]?.delta ?? {};
  const toolCalls = new Map(reply.toolCalls.map((call) => [call.index, call]));
  for (const { index = 0, function: called } of delta.tool_calls ?? []) {
    const { name = '', arguments: given = '' } = toolCalls.get(index) ?? {};
    toolCalls.set(index, {
      index,
      name: name + (called?.name ?? ''),
      arguments: given + (called?.arguments ?? ''),
    });
  }
  return {
    ...reply,
    text: reply.text + (delta.content ?? ''),
    toolCalls: [...toolCalls.values()],
    usage: usage ?? reply.usage,
    model: model ?? reply.model,
  };
}

/** The `data` lines of server-sent events (WHATWG HTML, 9.2). Who stops reading them gives the body up. */
export async function* dataOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>).getReader();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + value).split(/\r\n|\n|\r/);
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.startsWith('data:')) yield line.slice(5).trimStart();
    }
  } finally {
    await reader.cancel();
  }
}

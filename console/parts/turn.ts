import { ask, type Problem, problemOf } from '../api.ts';
import type { Reply } from '../chat.ts';
import { count, milliseconds, usd } from '../format.ts';
import { html, type View } from '../html.ts';
import { textOf } from './form.ts';

/* The turns of a conversation in the playground. */

type Part = { type: 'text'; text: string } | { type: 'image_url'; image_url: { url: string } };

/** What somebody said. */
export interface Turn {
  role: 'user' | 'assistant';
  content: string | Part[];
  reply?: Reply;
  cost?: Cost;
}

/** What the ledger says of an answer. */
export interface Cost {
  cost_usd: number | null;
  input_tokens: number;
  output_tokens: number;
  duration_ms: number;
}

/** What somebody said, and what an answer cost once the ledger knows. */
export function TurnView({
  turn: { role, content, reply, cost },
  isRunning = false,
}: {
  turn: Turn;
  isRunning?: boolean;
}): View {
  const parts: Part[] = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
  return html`<article class=${`turn ${role}`}>
    <h3>${role === 'user' ? 'You' : (reply?.model ?? 'Answer')}</h3>
    ${parts.map((part) =>
      part.type === 'text'
        ? html`<p dir="auto">
            <span class="said">${part.text}</span>
            ${isRunning ? html`<span class="cursor" aria-hidden="true"></span>` : null}
          </p>`
        : html`<img src=${part.image_url.url} alt="The image that was sent" />`,
    )}
    ${(reply?.toolCalls ?? []).map(
      (call) =>
        html`<div class="snippet">
          <strong>calls ${call.name}</strong>
          <pre><code>${call.arguments}</code></pre>
        </div>`,
    )}
    ${
      cost
        ? html`<p class="quiet">
            ${count(cost.input_tokens)} tokens in, ${count(cost.output_tokens)} out,
            ${cost.cost_usd === null ? 'unpriced' : usd(cost.cost_usd)}, ${milliseconds(cost.duration_ms)}
          </p>`
        : null
    }
  </article>`;
}

/** What a form says, with its image; null if it says nothing, or why the image cannot be sent. */
export async function userTurn(fields: FormData): Promise<Turn | Problem | null> {
  const text = textOf(fields, 'text');
  if (text === undefined) return null;
  const image = fields.get('image');
  if (!(image instanceof File) || image.size === 0) return { role: 'user', content: text };
  const url = await dataUrlOf(image);
  if (url === null) return problemOf('The image cannot be read. Choose another.');
  return {
    role: 'user',
    content: [
      { type: 'text', text },
      { type: 'image_url', image_url: { url } },
    ],
  };
}

/** The file as a `data:` URL; null if it cannot be read. */
function dataUrlOf(file: File): Promise<string | null> {
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.addEventListener('loadend', () =>
      resolve(typeof reader.result === 'string' ? reader.result : null),
    );
    reader.readAsDataURL(file);
  });
}

const costTries = 5;
const costPauseMs = 400;

/** What an answer used and cost, by the ledger, which has its entry within a second; null if it has none by then. */
export async function costOf(requestId: string | null): Promise<Cost | null> {
  if (requestId === null) return null;
  for (let tried = 0; tried < costTries; tried += 1) {
    const answer = await ask<{ data: (Cost & { request_id: string })[] }>('/v1/me/requests?limit=10');
    const found = answer.ok ? answer.value.data.find(({ request_id: id }) => id === requestId) : undefined;
    if (found || !answer.ok) return found ?? null;
    await new Promise((resolve) => setTimeout(resolve, costPauseMs));
  }
  return null;
}

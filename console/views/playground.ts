import { useEffect, useRef, useState } from 'preact/hooks';
import { type Answer, ask, type Problem } from '../api.ts';
import { chatModelsIn, nothingYet, type Reply, streamChat } from '../chat.ts';
import { useReading } from '../data.ts';
import { count, milliseconds, usd } from '../format.ts';
import { html, type View } from '../html.ts';
import { Choice, textOf } from '../parts/form.ts';
import { Page, Section } from '../parts/page.ts';
import { Failure } from '../parts/state.ts';

type Part = { type: 'text'; text: string } | { type: 'image_url'; image_url: { url: string } };

interface Turn {
  role: 'user' | 'assistant';
  content: string | Part[];
  reply?: Reply;
  cost?: Cost;
}

/** What the ledger says of an answer. */
interface Cost {
  cost_usd: number | null;
  input_tokens: number;
  output_tokens: number;
  duration_ms: number;
}

interface Minted {
  token: string;
  expires_in: number;
}

const sessionLivesS = 900;
/** A new session is made when the one at hand has less left. */
const leastLeftMs = 30_000;

/**
 * Chats with the models that a token may use. Requests go out with a short session (tgs_…) that only this page knows, and
 * count against the same limits as any other.
 */
export function Playground(): View {
  const models = useReading<{ data: { id: string }[] }>('/v1/models');
  const [turns, setTurns] = useState<readonly Turn[]>([]);
  const [current, setCurrent] = useState<Reply | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const session = useRef<{ token: string; untilMs: number } | null>(null);
  const running = useRef<AbortController | null>(null);
  const log = useRef<HTMLDivElement>(null);
  useEffect(() => log.current?.scrollTo({ top: log.current.scrollHeight }), [turns, current]);
  useEffect(() => () => running.current?.abort(), []);

  async function token(): Promise<Answer<string>> {
    const known = session.current;
    if (known && known.untilMs - Date.now() > leastLeftMs)
      return { ok: true, value: known.token, etag: null };
    const minted = await ask<Minted>('/v1/sessions', { method: 'POST', body: { expires_in: sessionLivesS } });
    if (!minted.ok) return minted;
    const { token: text, expires_in: livesS } = minted.value;
    session.current = { token: text, untilMs: Date.now() + livesS * 1_000 };
    return { ...minted, value: text };
  }

  async function send(form: HTMLFormElement): Promise<void> {
    const fields = new FormData(form);
    const asked = await userTurn(fields);
    if (asked === null) return;
    const tools = toolsIn(textOf(fields, 'tools'));
    if (tools === undefined) return setProblem(wrongTools);
    const before = [...turns, asked];
    setTurns(before);
    setProblem(null);
    setCurrent(nothingYet);
    for (const name of ['text', 'image']) {
      const field = form.elements.namedItem(name);
      if (field instanceof HTMLTextAreaElement || field instanceof HTMLInputElement) field.value = '';
    }
    const minted = await token();
    if (!minted.ok) {
      setCurrent(null);
      return setProblem(minted.problem);
    }
    const aborting = new AbortController();
    running.current = aborting;
    const system = textOf(fields, 'system');
    const messages = before.map(({ role, content }) => ({ role, content }));
    let reply = nothingYet;
    const failed = await streamChat({
      token: minted.value,
      body: {
        model: textOf(fields, 'model') ?? '',
        messages: system === undefined ? messages : [{ role: 'system', content: system }, ...messages],
        ...(tools === null ? {} : { tools }),
      },
      signal: aborting.signal,
      onReply: (next) => {
        reply = next;
        setCurrent(next);
      },
    });
    running.current = null;
    setCurrent(null);
    setProblem(failed);
    if (reply === nothingYet) return;
    const answered: Turn = { role: 'assistant', content: reply.text, reply };
    setTurns([...before, answered]);
    const cost = await costOf(reply.requestId);
    if (cost) setTurns([...before, { ...answered, cost }]);
  }

  const submitted = (event: SubmitEvent): void => {
    event.preventDefault();
    if (event.currentTarget instanceof HTMLFormElement) void send(event.currentTarget);
  };
  const entered = (event: KeyboardEvent): void => {
    const isSend = event.key === 'Enter' && !event.shiftKey && !event.isComposing;
    if (!isSend || !(event.currentTarget instanceof HTMLTextAreaElement)) return;
    event.preventDefault();
    event.currentTarget.form?.requestSubmit();
  };
  const ids = (models.value?.data ?? []).map(({ id }) => id);
  const options = chatModelsIn(ids).map((id) => [id, id] as const);
  return html`<${Page}
    title="Playground"
    actions=${html`<button type="button" onClick=${() => setTurns([])}>Clear</button>`}
  >
    ${models.problem ? html`<${Failure} problem=${models.problem} reload=${models.reload} />` : null}
    <div class="playground">
      <${Section} title="Conversation">
        <div class="turns" ref=${log} role="log" aria-label="Conversation" tabindex="0">
          ${turns.map((turn) => html`<${TurnView} turn=${turn} />`)}
          ${current && html`<${TurnView} turn=${{ role: 'assistant', content: current.text, reply: current }} isRunning />`}
          ${turns.length === 0 && !current ? html`<p class="quiet">Say something: the answer streams in here.</p>` : null}
        </div>
        ${problem ? html`<${Failure} problem=${problem} />` : null}
        <form onSubmit=${submitted} id="chat">
          <label class="field"
            ><span>Your message</span><textarea name="text" rows="3" required onKeyDown=${entered}></textarea>
          </label>
          <p class="actions">
            ${current ? html`<button type="button" onClick=${() => running.current?.abort()}>Stop</button>` : null}
            <button type="submit" class="primary" disabled=${current !== null}>Send</button>
          </p>
        </form>
      <//>
      <${Section} title="Request">
        <div class="request">
          <${Choice} name="model" label="Model" options=${options} form="chat" />
          <label class="field"
            ><span>System prompt</span><textarea name="system" form="chat" rows="3"></textarea>
          </label>
          <label class="field"
            ><span>Image</span
            ><input type="file" name="image" accept="image/png,image/jpeg,image/webp,image/gif" form="chat"
          /></label>
          <details>
            <summary>Tools</summary>
            <label class="field"
              ><span>Functions, as the API takes them (a JSON list)</span
              ><textarea name="tools" form="chat" rows="6" spellcheck=${false}></textarea>
            </label>
          </details>
        </div>
      <//>
    </div>
  <//>`;
}

function TurnView({
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

async function userTurn(fields: FormData): Promise<Turn | null> {
  const text = textOf(fields, 'text');
  if (text === undefined) return null;
  const image = fields.get('image');
  if (!(image instanceof File) || image.size === 0) return { role: 'user', content: text };
  const url = await dataUrlOf(image);
  return {
    role: 'user',
    content: [
      { type: 'text', text },
      { type: 'image_url', image_url: { url } },
    ],
  };
}

function dataUrlOf(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener('load', () => {
      if (typeof reader.result === 'string') resolve(reader.result);
    });
    reader.addEventListener('error', () => reject(new Error('The image cannot be read.')));
    reader.readAsDataURL(file);
  });
}

/** Null if there are none, undefined if the text is not a list. */
function toolsIn(text: string | undefined): unknown[] | null | undefined {
  if (text === undefined) return null;
  try {
    const tools: unknown = JSON.parse(text);
    return Array.isArray(tools) ? tools : undefined;
  } catch {
    return undefined;
  }
}

const wrongTools: Problem = {
  status: 0,
  message: 'Tools must be a JSON list, such as [{"type":"function","function":{"name":"now"}}].',
  code: null,
  param: 'tools',
  details: [],
};

const costTries = 5;
const costPauseMs = 400;

/** What an answer used and cost, by the ledger: its entry is there within a second. */
async function costOf(requestId: string | null): Promise<Cost | null> {
  if (requestId === null) return null;
  for (let tried = 0; tried < costTries; tried += 1) {
    const answer = await ask<{ data: (Cost & { request_id: string })[] }>('/v1/me/requests?limit=10');
    const found = answer.ok ? answer.value.data.find(({ request_id: id }) => id === requestId) : undefined;
    if (found || !answer.ok) return found ?? null;
    await new Promise((resolve) => setTimeout(resolve, costPauseMs));
  }
  return null;
}

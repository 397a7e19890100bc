import { useEffect, useRef, useState } from 'preact/hooks';
import { type Problem, problemOf } from '../api.ts';
import { chatModelsIn, nothingYet, type Reply, streamChat } from '../chat.ts';
import { useReading } from '../data.ts';
import { html, type View } from '../html.ts';
import { pageSession } from '../page-session.ts';
import { Choice, textOf } from '../parts/form.ts';
import { Page, Section } from '../parts/page.ts';
import { Failure } from '../parts/state.ts';
import { costOf, type Turn, TurnView, userTurn } from '../parts/turn.ts';

/**
 * Chats with the models that a token may use. Requests go out with a short session (tgs_…) that only this page knows, and
 * count against the same limits as any other.
 */
export function Playground(): View {
  const models = useReading<{ data: { id: string }[] }>('/v1/models');
  const [turns, setTurns] = useState<readonly Turn[]>([]);
  const [current, setCurrent] = useState<Reply | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const session = useRef(pageSession());
  const running = useRef<AbortController | null>(null);
  const log = useRef<HTMLDivElement>(null);
  useEffect(() => log.current?.scrollTo({ top: log.current.scrollHeight }), [turns, current]);
  const leave = (): void => {
    running.current?.abort();
    running.current = null;
  };
  useEffect(() => leave, []);

  async function send(form: HTMLFormElement): Promise<void> {
    if (running.current) return; // pressed twice
    const aborting = new AbortController();
    running.current = aborting;
    const request = await requestIn(new FormData(form), turns);
    if (request === null || 'message' in request) {
      running.current = null;
      return setProblem(request);
    }
    const { asked, body } = request;
    const putBack = emptied(form);
    setProblem(null);
    setTurns((now) => [...now, asked]);
    setCurrent(nothingYet);
    const { reply, problem: failed } = await answerTo(body, aborting.signal);
    if (running.current !== aborting) return; // the page was left, or the conversation cleared
    running.current = null;
    setCurrent(null);
    setProblem(failed);
    if (reply === nothingYet) {
      setTurns((now) => now.filter((turn) => turn !== asked));
      return putBack();
    }
    const answered: Turn = { role: 'assistant', content: reply.text, reply };
    setTurns((now) => [...now, answered]);
    const cost = await costOf(reply.requestId);
    if (cost) setTurns((now) => now.map((turn) => (turn === answered ? { ...answered, cost } : turn)));
  }

  async function answerTo(
    body: object,
    signal: AbortSignal,
  ): Promise<{ reply: Reply; problem: Problem | null }> {
    const minted = await session.current();
    if (!minted.ok || signal.aborted) {
      return { reply: nothingYet, problem: minted.ok ? null : minted.problem };
    }
    let reply = nothingYet;
    const onReply = (next: Reply): void => {
      reply = next;
      setCurrent(next);
    };
    const failed = await streamChat({ send: minted.value, body, signal, onReply });
    if (failed?.status === 401) session.current = pageSession(); // it has ended before its time
    return { reply, problem: failed };
  }

  const clear = (): void => {
    leave();
    setTurns([]);
    setCurrent(null);
    setProblem(null);
  };
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
    actions=${html`<button type="button" onClick=${clear}>Clear</button>`}
  >
    ${models.problem ? html`<${Failure} problem=${models.problem} reload=${models.reload} />` : null}
    <div class="playground">
      <${Section} title="Conversation">
        <div class="turns" ref=${log} role="log" aria-label="Conversation" tabindex="0">
          ${turns.map((turn) => html`<${TurnView} turn=${turn} />`)}
          ${current && html`<${TurnView} turn=${{ role: 'assistant', content: current.text, reply: current }} isRunning />`}
          ${turns.length === 0 && !current ? html`<p class="quiet">The answer appears here as it arrives.</p>` : null}
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

/** The next request of a conversation, as a form says it; null if it says nothing, or what is wrong with it. */
async function requestIn(
  fields: FormData,
  turns: readonly Turn[],
): Promise<{ asked: Turn; body: object } | Problem | null> {
  const tools = toolsIn(textOf(fields, 'tools'));
  if (tools === undefined) {
    return problemOf('Tools must be a JSON list, such as [{"type":"function","function":{"name":"now"}}].');
  }
  const asked = await userTurn(fields);
  if (asked === null || 'message' in asked) return asked;
  const system = textOf(fields, 'system');
  const messages = [...turns, asked].map(({ role, content }) => ({ role, content }));
  const body = {
    model: textOf(fields, 'model') ?? '',
    messages: system === undefined ? messages : [{ role: 'system', content: system }, ...messages],
    ...(tools === null ? {} : { tools }),
  };
  return { asked, body };
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

/** Empties the message and its image. Returns what puts the message back. */
function emptied(form: HTMLFormElement): () => void {
  const [text, image] = ['text', 'image'].map((name) => form.elements.namedItem(name));
  if (image instanceof HTMLInputElement) image.value = '';
  if (!(text instanceof HTMLTextAreaElement)) return () => {};
  const { value } = text;
  text.value = '';
  return () => {
    if (text.value === '') text.value = value;
  };
}

import { useEffect, useRef, useState } from 'preact/hooks';
import type { Answer } from '../api.ts';
import { chatModelsIn, modelsOf, nothingYet, type Reply, streamChat } from '../chat.ts';
import { html, type View } from '../html.ts';
import { bearer } from '../page-key.ts';
import { Secret } from './copy.ts';
import { Choice, Field, Form, textOf } from './form.ts';
import { Snippets } from './snippets.ts';

/** A first answer with the token at hand, which only this page's memory has. */
export function TryIt({ token }: { token: string }): View {
  const [models, setModels] = useState<readonly string[] | null>(null);
  useEffect(() => void modelsOf(token).then(setModels), [token]);
  const left = useRef(new AbortController());
  useEffect(() => () => left.current.abort(), []);
  const [reply, setReply] = useState<Reply | null>(null);
  const send = async (fields: FormData): Promise<Answer<null>> => {
    setReply(nothingYet);
    const problem = await streamChat({
      send: bearer(token),
      body: {
        model: textOf(fields, 'model') ?? '',
        messages: [{ role: 'user', content: textOf(fields, 'text') ?? '' }],
      },
      signal: left.current.signal,
      onReply: setReply,
    });
    return problem ? { ok: false, problem } : { ok: true, value: null, etag: null };
  };
  const chatModels = chatModelsIn(models ?? []);
  const [model = ''] = chatModels;
  return html`<${Secret} text=${token}
      >The token. Copy it now if you want to keep it: it is not shown again.<//
    >
    ${
      models &&
      html`<${Form} action="Send" send=${send} done=${() => {}}>
        <${Choice}
          name="model"
          label="Model"
          value=${model}
          options=${chatModels.map((id) => [id, id] as const)}
        />
        <${Field} name="text" label="Your message" value="Say hello in one short sentence." required />
      <//>`
    }
    ${reply ? html`<p class="said turn user" role="log" aria-label="The answer">${reply.text === '' ? '…' : reply.text}</p>` : null}
    ${
      model === ''
        ? null
        : html`<h3>The same from a program</h3>
            <${Snippets} model=${model} />`
    }`;
}

import { useState } from 'preact/hooks';
import { html, type View } from '../html.ts';
import { Snippet } from './copy.ts';

/** A first call with each of the usual clients. Pure. */
export function snippetsFor(
  origin: string,
  model: string,
): readonly (readonly [label: string, code: string])[] {
  return [
    [
      'curl',
      `curl -N ${origin}/v1/chat/completions \\
  -H "Authorization: Bearer $TOLLGATE_TOKEN" \\
  -d '{"model":"${model}","stream":true,"messages":[{"role":"user","content":"Hello"}]}'`,
    ],
    [
      'OpenAI SDK (JavaScript)',
      `import OpenAI from 'openai';

const client = new OpenAI({ baseURL: '${origin}/v1', apiKey: process.env.TOLLGATE_TOKEN });
const answer = await client.chat.completions.create({
  model: '${model}',
  messages: [{ role: 'user', content: 'Hello' }],
});
console.log(answer.choices[0].message.content);`,
    ],
    [
      'OpenAI SDK (Python)',
      `import os
from openai import OpenAI

client = OpenAI(base_url="${origin}/v1", api_key=os.environ["TOLLGATE_TOKEN"])
answer = client.chat.completions.create(
    model="${model}",
    messages=[{"role": "user", "content": "Hello"}],
)
print(answer.choices[0].message.content)`,
    ],
    [
      'Anthropic SDK (JavaScript)',
      `import Anthropic from '@anthropic-ai/sdk';

const client = new Anthropic({ baseURL: '${origin}', authToken: process.env.TOLLGATE_TOKEN });
const answer = await client.messages.create({
  model: '${model}',
  max_tokens: 1024,
  messages: [{ role: 'user', content: 'Hello' }],
});
console.log(answer.content);`,
    ],
    [
      'heroku config',
      `heroku config:set INFERENCE_URL=${origin} INFERENCE_KEY="$TOLLGATE_TOKEN" INFERENCE_MODEL_ID=${model} -a your-app`,
    ],
  ];
}

/** The first calls, one at a time. */
export function Snippets({ model }: { model: string }): View {
  const all = snippetsFor(location.origin, model);
  const [shown, setShown] = useState(all[0]?.[0] ?? '');
  const code = all.find(([label]) => label === shown)?.[1] ?? '';
  return html`<p>
      Put the token into the environment first, as <code>TOLLGATE_TOKEN</code>. The base URL of OpenAI clients
      is <code>${location.origin}/v1</code>, of Anthropic clients <code>${location.origin}</code>.
    </p>
    <div class="tabs" role="group" aria-label="Client">
      ${all.map(
        ([label]) =>
          html`<button type="button" aria-pressed=${String(label === shown)} onClick=${() => setShown(label)}>
            ${label}
          </button>`,
      )}
    </div>
    <${Snippet} code=${code} label=${shown} />`;
}

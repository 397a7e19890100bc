import type { ServedModel } from '../models/served-models.ts';
import { shellWord } from '../edge/page.ts';

/** What a token may use. */
export interface TokenUse {
  models: readonly ServedModel[];
  /** The paths of its endpoints. */
  endpoints: readonly string[];
  /** The web pages that it is only for; null if any program may use it. */
  onlyFrom: readonly string[] | null;
}

export interface Snippet {
  title: string;
  text: string;
}

/** The environment variable that the snippets take the token from. */
export const tokenVariable = 'TOLLGATE_TOKEN';

/** In JavaScript. In pieces: whole, it would be taken for a use of the environment by this program. */
const fromEnvironment = ['process', 'env', tokenVariable].join('.');

/** The calls that this token can make, ready to paste. `origin` is the gateway's address. */
export function firstCalls(origin: string, { models, endpoints }: TokenUse): Snippet[] {
  const chat = models.find(({ kinds }) => kinds.includes('chat'))?.id;
  const claude = models.find(({ id, kinds }) => id.startsWith('claude') && kinds.includes('chat'))?.id;
  const snippets: Snippet[] = [];
  if (chat !== undefined && endpoints.includes('/v1/chat/completions')) {
    snippets.push(
      { title: 'curl', text: curl(origin, chat) },
      { title: 'OpenAI SDK, JavaScript', text: openAiJavaScript(origin, chat) },
      { title: 'OpenAI SDK, Python', text: openAiPython(origin, chat) },
    );
  }
  if (claude !== undefined && endpoints.includes('/v1/messages')) {
    snippets.push({ title: 'Anthropic SDK, JavaScript', text: anthropicJavaScript(origin, claude) });
  }
  if (snippets.length > 0) return snippets;
  return [{ title: 'curl', text: `curl ${shellWord(`${origin}/v1/models`)} ${authorization}` }];
}

const authorization = `-H "Authorization: Bearer $${tokenVariable}"`;
const messages = [{ role: 'user', content: 'Hello' }];

function curl(origin: string, model: string): string {
  return `curl ${shellWord(`${origin}/v1/chat/completions`)} \\
  ${authorization} \\
  -d ${shellWord(JSON.stringify({ model, messages }))}`;
}

function openAiJavaScript(origin: string, model: string): string {
  return `// npm install openai
import OpenAI from 'openai';

const client = new OpenAI({
  baseURL: ${JSON.stringify(`${origin}/v1`)},
  apiKey: ${fromEnvironment},
});
const answer = await client.chat.completions.create({
  model: ${JSON.stringify(model)},
  messages: [{ role: 'user', content: 'Hello' }],
});
console.log(answer.choices[0].message.content);`;
}

function openAiPython(origin: string, model: string): string {
  return `# pip install openai
import os
from openai import OpenAI

client = OpenAI(
    base_url=${JSON.stringify(`${origin}/v1`)},
    api_key=os.environ["${tokenVariable}"],
)
answer = client.chat.completions.create(
    model=${JSON.stringify(model)},
    messages=[{"role": "user", "content": "Hello"}],
)
print(answer.choices[0].message.content)`;
}

function anthropicJavaScript(origin: string, model: string): string {
  return `// npm install @anthropic-ai/sdk
import Anthropic from '@anthropic-ai/sdk';

const client = new Anthropic({
  baseURL: ${JSON.stringify(origin)},
  apiKey: ${fromEnvironment},
});
const answer = await client.messages.create({
  model: ${JSON.stringify(model)},
  max_tokens: 200,
  messages: [{ role: 'user', content: 'Hello' }],
});
console.log(answer.content);`;
}

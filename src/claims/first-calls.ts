import { shellWord } from '../base/shell-word.ts';

/* First calls to paste. The claim page shows them, and so does the console, in the browser. */

/** What a token may use. */
export interface TokenUse {
  models: readonly { id: string; kinds: readonly string[] }[];
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

// In pieces: whole, each would be taken for an import of this module, and the last for a use of the environment.
const openAiForJavaScript = ['// npm install openai', "import OpenAI from 'openai';"].join('\n');
const anthropicForJavaScript = [
  '// npm install @anthropic-ai/sdk',
  "import Anthropic from '@anthropic-ai/sdk';",
].join('\n');
const openAiForPython = ['# pip install openai', 'import os', 'from openai import OpenAI'].join('\n');
const fromEnvironment = ['process', 'env', tokenVariable].join('.');

/** The calls that this token can make, ready to paste. `origin` is the gateway's address. */
export function firstCalls(origin: string, { models, endpoints }: TokenUse): Snippet[] {
  const chat = models.find(({ kinds }) => kinds.includes('chat'))?.id;
  const claude = models.find(({ id, kinds }) => id.startsWith('claude') && kinds.includes('chat'))?.id;
  const snippets = [
    ...(chat === undefined ? [] : callsOfChats(origin, chat, endpoints)),
    ...(claude !== undefined && endpoints.includes('/v1/messages') ? [messagesCall(origin, claude)] : []),
  ];
  if (snippets.length > 0) return snippets;
  return [{ title: 'curl', text: `curl ${shellWord(`${origin}/v1/models`)} ${authorization}` }];
}

function callsOfChats(origin: string, model: string, endpoints: readonly string[]): Snippet[] {
  if (endpoints.includes('/v1/chat/completions')) return chatCalls(origin, model);
  if (!endpoints.includes('/v1/responses')) return [];
  return [{ title: 'OpenAI SDK, JavaScript', text: responsesJavaScript(origin, model) }];
}

/** Calls of `/v1/chat/completions`. */
export function chatCalls(origin: string, model: string): Snippet[] {
  return [
    { title: 'curl', text: curl(origin, model) },
    { title: 'OpenAI SDK, JavaScript', text: openAiJavaScript(origin, model) },
    { title: 'OpenAI SDK, Python', text: openAiPython(origin, model) },
  ];
}

/** A call of `/v1/messages`, which models of Anthropic serve. */
export function messagesCall(origin: string, model: string): Snippet {
  return { title: 'Anthropic SDK, JavaScript', text: anthropicJavaScript(origin, model) };
}

const authorization = `-H "Authorization: Bearer $${tokenVariable}"`;
const messages = [{ role: 'user', content: 'Hello' }];

function curl(origin: string, model: string): string {
  return `curl ${shellWord(`${origin}/v1/chat/completions`)} \\
  ${authorization} \\
  -d ${shellWord(JSON.stringify({ model, messages }))}`;
}

function openAiClient(origin: string): string {
  return `${openAiForJavaScript}

const client = new OpenAI({
  baseURL: ${JSON.stringify(`${origin}/v1`)},
  apiKey: ${fromEnvironment},
});`;
}

function responsesJavaScript(origin: string, model: string): string {
  return `${openAiClient(origin)}
const answer = await client.responses.create({ model: ${JSON.stringify(model)}, input: 'Hello' });
console.log(answer.output_text);`;
}

function openAiJavaScript(origin: string, model: string): string {
  return `${openAiClient(origin)}
const answer = await client.chat.completions.create({
  model: ${JSON.stringify(model)},
  messages: [{ role: 'user', content: 'Hello' }],
});
console.log(answer.choices[0].message.content);`;
}

function openAiPython(origin: string, model: string): string {
  return `${openAiForPython}

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
  return `${anthropicForJavaScript}

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

export interface WalkthroughOptions {
  url: string;
  adminKey: string;
}

/** Makes a token, and says what to paste next. */
export async function walkthrough({ url, adminKey }: WalkthroughOptions): Promise<string> {
  return page({ url, adminKey, token: await makeDemoToken({ url, adminKey }) });
}

/** Makes a team `demo`, a user `ana` and a token over the admin API; the token's text. */
export async function makeDemoToken({ url, adminKey }: WalkthroughOptions): Promise<string> {
  const post = poster(url, adminKey);
  await post('/admin/teams', { id: 'demo', limits: demoLimits });
  await post('/admin/teams/demo/users', { id: 'ana' });
  const issued = await post('/admin/teams/demo/tokens', { user: 'ana', name: 'demo', ...demoPolicy });
  return String(issued['token']);
}

const demoLimits = [
  { metric: 'requests', window: 'minute', max: 60 },
  { metric: 'tokens', window: 'day', max: 100_000 },
  { metric: 'images', window: 'day', max: 20 },
  { metric: 'concurrency', max: 5 },
];

/** Agents run tools in apps: a token may use them only where its lists name the endpoint, and the tool with its app. */
const demoPolicy = {
  endpoints: [
    '/v1/chat/completions',
    '/v1/messages',
    '/v1/embeddings',
    '/v1/images/generations',
    '/v1/rerank',
    '/v1/agents/heroku',
    '/v1/mcp/servers',
  ],
  tools: ['dyno_run_command@my-app', 'mcp-weather/forecast'],
};

function poster(url: string, adminKey: string) {
  return async function post(path: string, body: object): Promise<Record<string, unknown>> {
    const headers = { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' };
    const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`POST ${path} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as Record<string, unknown>; // the admin API answers with objects
  };
}

/** The text on the terminal: each command on its own, ready to paste. */
function page({ url, adminKey, token }: WalkthroughOptions & { token: string }): string {
  const call = (path: string, body: object, options = ''): string =>
    `curl ${options}${url}${path} -H 'Authorization: Bearer ${token}' -d '${JSON.stringify(body)}'`;
  const model = 'claude-4-5-haiku';
  const messages = [{ role: 'user', content: 'Why is Heroku so awesome?' }];
  const query = { model: 'cohere-rerank-3-5', query: 'Where do ships turn?' };
  const tool = {
    type: 'heroku_tool',
    name: 'dyno_run_command',
    runtime_params: { target_app_name: 'my-app' },
  };
  const image = { model: 'stable-image-ultra', prompt: 'A toll gate at sunrise' };
  return `
Tollgate is running at ${url}, in front of a stand-in for Heroku Inference.
Everything is real but the model; everything is forgotten when it stops (Ctrl-C).

A token for user ana of team demo:

  ${token}

Chat:

${call('/v1/chat/completions', { model, messages })}

Streamed:

${call('/v1/chat/completions', { model, messages, stream: true }, '-N ')}

Embeddings:

${call('/v1/embeddings', { model: 'cohere-embed-multilingual', input: ['hello', 'world'] })}

An image:

${call('/v1/images/generations', image)}

Anthropic's shape, streamed:

${call('/v1/messages', { model, max_tokens: 200, messages, stream: true }, '-N ')}

A rerank:

${call('/v1/rerank', { ...query, documents: ['a bakery', 'the lighthouse where ships turn'] })}

An agent, whose tool would run in an app:

${call('/v1/agents/heroku', { model, messages, tools: [tool] }, '-N ')}

The models there are, in OpenAI's shape and in Heroku's:

curl ${url}/v1/models -H 'Authorization: Bearer ${token}'

curl ${url}/available-models -H 'Authorization: Bearer ${token}'

The tools of MCP servers:

curl ${url}/v1/mcp/servers -H 'Authorization: Bearer ${token}'

What is left of the limits, and who used what:

curl ${url}/v1/me -H 'Authorization: Bearer ${token}'

curl '${url}/admin/usage?group_by=user,model' -H 'Authorization: Bearer ${adminKey}'

`;
}

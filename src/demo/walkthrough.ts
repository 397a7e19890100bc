import {
  type EndpointKind,
  endpointKinds,
  endpointPaths,
  endpointsByKind,
  mcpServersPath,
} from '../validation/registry.ts';
import { demoEndpoints } from './route.ts';

export interface WalkthroughOptions {
  url: string;
  adminKey: string;
}

interface Running extends WalkthroughOptions {
  /** Where Postgres keeps its records; null if there are none. */
  recordsAt: string | null;
  /** A token that there is already; null: one is made. */
  token: string | null;
}

/** Makes a token, if there is none. Gives the text that says what to paste next. */
export async function walkthrough(running: Running): Promise<string> {
  const token = running.token ?? (await makeDemoToken(running));
  return page({ ...running, token, consoleLink: await makeConsoleLink(running) });
}

/** Makes a team `demo`, a user `ana` and a token over the admin API. `policy`: more of the token's. Gives the token's text. */
export async function makeDemoToken({ url, adminKey }: WalkthroughOptions, policy = {}): Promise<string> {
  const post = poster(url, adminKey);
  await post('/admin/teams', { id: 'demo', limits: demoLimits, tools: demoPolicy.tools });
  await post('/admin/teams/demo/users', { id: 'ana' });
  const issued = await post('/admin/teams/demo/tokens', {
    user: 'ana',
    name: 'demo',
    ...demoPolicy,
    ...policy,
  });
  return String(issued['token']);
}

/**
 * An address that opens the console, signed in: once, within an hour. Browsers keep its secure cookie on the name
 * localhost, though there is no https.
 */
async function makeConsoleLink({ url, adminKey }: WalkthroughOptions): Promise<string> {
  const made = await poster(url.replace('127.0.0.1', 'localhost'), adminKey)('/admin/console-links', {});
  return String(made['url']);
}

const demoLimits = [
  { metric: 'requests', window: 'minute', max: 60 },
  { metric: 'tokens', window: 'day', max: 100_000 },
  { metric: 'images', window: 'day', max: 20 },
  { metric: 'concurrency', max: 5 },
];

/**
 * Agents run tools in apps: a token may use them only if its lists name the endpoint, and the tool with its app. The
 * team must have the tools, too.
 */
const demoPolicy = { endpoints: endpointPaths, tools: ['dyno_run_command@my-app', 'mcp-weather/forecast'] };

function poster(url: string, adminKey: string) {
  return async function post(path: string, body: object): Promise<Record<string, unknown>> {
    const headers = { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' };
    const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
    // Records bring back the team and the user of the demo before.
    if (response.status === 409) return {};
    if (!response.ok) throw new Error(`POST ${path} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as Record<string, unknown>; // the admin API answers with objects
  };
}

/** The text on the terminal: each command on a line of its own, ready to paste. */
function page({
  url,
  adminKey,
  recordsAt,
  token,
  consoleLink,
}: Running & { token: string; consoleLink: string }): string {
  const get = (path: string, key = token): string => `curl '${url}${path}' -H 'Authorization: Bearer ${key}'`;
  return `
Tollgate is running at ${url}, in front of a stand-in for Heroku Inference.
Everything is real except the models${recordsAt === null ? ', and a month of made-up requests' : ''}. ${lasting(recordsAt)}

The console, signed in (the link works once; after that, sign in with the key ${adminKey}):

  ${consoleLink}

A token for the user ana of the team demo:

  ${token}

${endpointKinds.flatMap((kind) => examplesOf(kind, { url, token })).join('\n')}
The available models, as OpenAI and as Heroku list them:

${get('/v1/models')}

${get('/available-models')}

The tools of MCP servers:

${get(mcpServersPath)}

What is left of the limits, and who used what:

${get('/v1/me')}

${get('/admin/usage?group_by=user,model', adminKey)}

`;
}

function examplesOf(kind: EndpointKind, { url, token }: { url: string; token: string }): string[] {
  const { path, docs } = endpointsByKind[kind];
  return demoEndpoints[kind].examples.map(({ title, body }) => {
    const isStream = body['stream'] === true || docs.answer === null;
    const options = isStream ? '-N ' : '';
    return `${title}:

curl ${options}${url}${path} -H 'Authorization: Bearer ${token}' -d '${JSON.stringify(body)}'
`;
  });
}

function lasting(recordsAt: string | null): string {
  if (recordsAt === null) return 'Everything is forgotten when you stop it with Ctrl-C.';
  return `Ctrl-C stops it. The next demo with --records knows these tokens again:
Postgres keeps them (${recordsAt}).`;
}

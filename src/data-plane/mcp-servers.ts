import { z } from 'zod';
import type { Clock } from '../base/clock.ts';
import { okJson, type OperationDocs } from '../base/operation-docs.ts';
import { Refusal, upstreamCodes } from '../base/refusal.ts';
import { isRecord } from '../base/request.ts';
import type { Answers, Reply } from '../edge/answers.ts';
import type { Call } from '../edge/call.ts';
import type { FrontDoor } from '../edge/front-door.ts';
import type { Route } from '../edge/route.ts';
import type { Principal } from '../identity/records/identity.ts';
import { fetchJson } from '../upstream/fetch-json.ts';
import type { Upstreams } from '../upstream/upstreams.ts';
import { mcpServersPath } from '../validation/registry.ts';

/** How long an answer of the upstream is kept, for pages that ask again and again. */
const keptMs = 30_000;
const maxBytes = 1_048_576;
const timeoutMs = 10_000;

const docs: OperationDocs = {
  summary: 'List the MCP servers and their tools',
  details: 'As the upstream has them, with only the tools that the token may run.',
  query: 'ignored',
  answer: okJson(z.array(z.looseObject({ tools: z.array(z.looseObject({ name: z.string() })).optional() }))),
  refusals: ['endpoint_not_allowed', ...upstreamCodes],
};

interface McpServersDeps {
  frontDoor: FrontDoor;
  answers: Answers;
  upstreams: Upstreams;
  clock: Clock;
}

/** `GET /v1/mcp/servers`: the upstream's list, neither counted nor in the ledger. */
export function mcpServersRoute({ frontDoor, answers, upstreams, clock }: McpServersDeps): Route {
  let kept: { untilMs: number; reading: ReturnType<typeof fetchJson> } | null = null;

  /** Callers at the same time share one request to the upstream. A failure is not kept for later callers. */
  async function servers(): ReturnType<typeof fetchJson> {
    if (kept && clock.monotonic() < kept.untilMs) return kept.reading;
    const reading = fetchJson(upstreams.toAsk, { path: mcpServersPath, maxBytes, timeoutMs });
    const own = { untilMs: clock.monotonic() + keptMs, reading };
    kept = own;
    const read = await reading;
    if (read instanceof Refusal && kept === own) kept = null;
    return read;
  }

  async function list(call: Call): Promise<Reply> {
    const caller = await frontDoor.authenticate(call, { path: mcpServersPath }, { freshly: true });
    if (caller instanceof Refusal) return caller;
    const read = await servers();
    return read instanceof Refusal ? read : { status: 200, body: visibleTo(caller.principal, read.value) };
  }

  return {
    path: mcpServersPath,
    methods: { GET: { docs, access: 'session or user', handle: answers.replying(list) } },
  };
}

/** What a caller sees of the list: the tools that it may run. */
function visibleTo({ policy }: Principal, servers: unknown): object {
  const list: unknown[] = Array.isArray(servers) ? servers : [];
  const mayRun = (tool: unknown): boolean =>
    [textAt(tool, 'namespaced_name'), textAt(tool, 'name')].some(
      (name) => name !== null && grants(policy.tools, name),
    );
  return list.flatMap((server) => {
    const tools = isRecord(server) && Array.isArray(server['tools']) ? server['tools'].filter(mayRun) : [];
    return isRecord(server) && tools.length > 0 ? [{ ...server, tools }] : [];
  });
}

/** A tool is granted by its name, or by that in an app: `name@app`. */
function grants(granted: readonly string[], name: string): boolean {
  return granted.some((entry) => entry === name || entry.startsWith(`${name}@`));
}

function textAt(value: unknown, field: string): string | null {
  const text = isRecord(value) ? value[field] : null;
  return typeof text === 'string' ? text : null;
}

import { z } from 'zod';
import type { Answers } from '../edge/answers.ts';
import type { Clock } from '../base/clock.ts';
import { okJson, type DocumentedOperation } from '../base/operation-docs.ts';
import type { Principal } from '../identity/records/identity.ts';
import { isRecord } from '../base/request.ts';
import { Refusal } from '../base/refusal.ts';
import type { FrontDoor } from '../edge/front-door.ts';
import type { Call } from '../edge/call.ts';
import { type FetchedJson, fetchJson } from '../upstream/fetch-json.ts';
import type { Upstreams } from '../upstream/upstreams.ts';
import { mcpServersPath } from '../validation/registry.ts';

/** A page that asks again and again asks the upstream this often. */
const keptMs = 30_000;
const maxBytes = 1_048_576;
const timeoutMs = 10_000;

export interface McpServersParts {
  frontDoor: FrontDoor;
  answers: Answers;
  upstreams: Upstreams;
  clock: Clock;
}

export const mcpServersDocs: DocumentedOperation = {
  docs: {
    summary: 'List the MCP servers and their tools',
    details: 'As the upstream has them. A token with a list of tools sees those that it may run.',
    answer: okJson(
      z.array(z.looseObject({ tools: z.array(z.looseObject({ name: z.string() })).optional() })),
    ),
    refusals: [
      'endpoint_not_allowed',
      'upstream_blocked',
      'upstream_rate_limited',
      'upstream_auth_failed',
      'upstream_unreachable',
      'upstream_error',
      'upstream_timeout',
    ],
  },
  access: 'session or user',
};

/** `GET /v1/mcp/servers`: the upstream's list, neither counted nor in the ledger. */
export class McpServers {
  readonly #parts: McpServersParts;
  #kept: { untilMs: number; reading: Promise<FetchedJson | Refusal> } | null = null;

  constructor(parts: McpServersParts) {
    this.#parts = parts;
  }

  /** Of the servers' tools a token with a list of tools sees those that it may run. */
  async list(call: Call): Promise<void> {
    const { frontDoor, answers } = this.#parts;
    const caller = await frontDoor.authenticate(call, { path: mcpServersPath }, { freshly: true });
    if (caller instanceof Refusal) return answers.refuse(call, caller);
    const servers = await this.#servers();
    if (servers instanceof Refusal) return answers.refuse(call, servers);
    answers.answer(call, responseTo(caller.principal, servers.value));
  }

  /** One reading for all who ask at a time; a failed one is kept for nobody who asks later. */
  async #servers(): Promise<FetchedJson | Refusal> {
    const { upstreams, clock } = this.#parts;
    if (this.#kept && clock.monotonic() < this.#kept.untilMs) return this.#kept.reading;
    const { toAsk } = upstreams;
    const reading = fetchJson(toAsk, { path: mcpServersPath, maxBytes, timeoutMs });
    const kept = { untilMs: clock.monotonic() + keptMs, reading };
    this.#kept = kept;
    const servers = await reading;
    if (servers instanceof Refusal && this.#kept === kept) this.#kept = null;
    return servers;
  }
}

/**
 * The list as a caller may see it. A token without a list of tools sees all, so that its holder knows what there is
 * to ask for; a session sees what it may run and nothing else.
 */
function responseTo({ identity: { token, session } }: Principal, servers: unknown): object {
  const list: unknown[] = Array.isArray(servers) ? servers : [];
  const granted = session === null ? token.tools : (session.tools ?? []);
  if (granted === null) return list;
  const mayRun = (tool: unknown): boolean =>
    [textAt(tool, 'namespaced_name'), textAt(tool, 'name')].some(
      (name) => name !== null && grants(granted, name),
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

import type { Endpoint } from '../base/request.ts';
import { agents } from './endpoints/agents.ts';
import { chat } from './endpoints/chat.ts';
import { embeddings } from './endpoints/embeddings.ts';
import { images } from './endpoints/images.ts';
import { messages } from './endpoints/messages.ts';
import { rerank } from './endpoints/rerank.ts';
import { responses } from './endpoints/responses.ts';

/** The endpoints that the upstream has too. */
const upstreamsOwn = { chat, embeddings, images, messages, rerank, agents } satisfies Record<
  string,
  Endpoint
>;

/** Every data-plane endpoint. */
export const endpointsByKind = { ...upstreamsOwn, responses } satisfies Record<string, Endpoint>;

/** Keys the tables of what is sent to the upstream, and of how a stand-in answers. */
export type UpstreamKind = keyof typeof upstreamsOwn;
export const upstreamKinds = Object.keys(upstreamsOwn) as UpstreamKind[]; // the object has no other keys

/** Keys the tables that need an entry for each endpoint, such as the tests' bodies. */
export type EndpointKind = keyof typeof endpointsByKind;

export const endpointKinds = Object.keys(endpointsByKind) as EndpointKind[]; // the object has no other keys
export const endpoints: readonly Endpoint[] = Object.values(endpointsByKind);

/** A GET that passes on the upstream's list; a token's `endpoints` may name it too. */
export const mcpServersPath = '/v1/mcp/servers';

/** The paths that a list of endpoints may name. */
export const endpointPaths: readonly string[] = [...endpoints.map(({ path }) => path), mcpServersPath];

/** The paths that a token without such a list may use. */
export const unnamedPaths: readonly string[] = endpointPaths.filter(
  (path) => !endpoints.some((endpoint) => endpoint.path === path && endpoint.mustBeNamed),
);

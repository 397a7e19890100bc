import type { Endpoint } from '../base/request.ts';
import { agents } from './endpoints/agents.ts';
import { chat } from './endpoints/chat.ts';
import { embeddings } from './endpoints/embeddings.ts';
import { images } from './endpoints/images.ts';
import { messages } from './endpoints/messages.ts';
import { rerank } from './endpoints/rerank.ts';

/** Every data-plane endpoint. */
export const endpointsByKind = { chat, embeddings, images, messages, rerank, agents } satisfies Record<
  string,
  Endpoint
>;

/** Keys the tables that need an entry for each endpoint: the stand-in's answers, the tests' bodies. */
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

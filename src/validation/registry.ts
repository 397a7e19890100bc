import type { Endpoint } from '../base/request.ts';
import { agents } from './endpoints/agents.ts';
import { chat } from './endpoints/chat.ts';
import { embeddings } from './endpoints/embeddings.ts';
import { images } from './endpoints/images.ts';
import { messages } from './endpoints/messages.ts';
import { rerank } from './endpoints/rerank.ts';

/** What is read rather than posted, and a token's `endpoints` may name as well. */
export const mcpServersPath = '/v1/mcp/servers';

/** Every data-plane endpoint there is. */
export const endpoints: readonly Endpoint[] = [chat, embeddings, images, messages, rerank, agents];

/** The paths that a list of endpoints may name. */
export const endpointPaths: readonly string[] = [...endpoints.map(({ path }) => path), mcpServersPath];

/** Those that a token without such a list may use. */
export const unnamedPaths: readonly string[] = endpointPaths.filter(
  (path) => !endpoints.some((endpoint) => endpoint.path === path && endpoint.mustBeNamed),
);

import type { EndpointKind } from '../base/request.ts';
import { AgentsTap } from './agents-tap.ts';
import { ChatTap } from './chat-tap.ts';
import { JsonTap } from './json-tap.ts';
import { MessagesTap } from './messages-tap.ts';
import type { StreamTap } from './stream-tap.ts';

/** What reads along with a stream of this kind of endpoint. */
export function streamTapFor(kind: EndpointKind): StreamTap {
  switch (kind) {
    case 'messages':
      return new MessagesTap();
    case 'agents':
      return new AgentsTap();
    case 'chat':
    case 'embeddings':
    case 'images':
    case 'rerank':
      return new ChatTap();
  }
}

/** What reads along with a plain answer: a rerank's gives the documents back, and no model wrote those. */
export function plainTapFor(kind: EndpointKind): JsonTap {
  return new JsonTap({ generated: kind !== 'rerank' });
}

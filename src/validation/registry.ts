import type { Endpoint } from '../core/request.ts';
import { agents } from './endpoints/agents.ts';
import { chat } from './endpoints/chat.ts';
import { embeddings } from './endpoints/embeddings.ts';
import { images } from './endpoints/images.ts';
import { messages } from './endpoints/messages.ts';
import { rerank } from './endpoints/rerank.ts';

/** Every data-plane endpoint there is. */
export const endpoints: readonly Endpoint[] = [chat, embeddings, images, messages, rerank, agents];

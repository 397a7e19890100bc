import type { Endpoint } from '../core/request.ts';
import { chat } from './endpoints/chat.ts';
import { embeddings } from './endpoints/embeddings.ts';
import { images } from './endpoints/images.ts';

/** Every data-plane endpoint there is. */
export const endpoints: readonly Endpoint[] = [chat, embeddings, images];

import type { Case } from './case.ts';
import { growth } from './growth.ts';
import { largeBodies } from './large-bodies.ts';
import { latency } from './latency.ts';
import { oneAtATime } from './one-at-a-time.ts';
import { openStreams } from './open-streams.ts';
import { sessions } from './sessions.ts';
import { shortChats } from './short-chat.ts';
import { startUp } from './start-up.ts';
import { storeCost } from './store-cost.ts';
import { messagesStreams, streams } from './streams.ts';

/** All cases, in the order in which they run. */
export const cases: Readonly<Record<string, Case>> = {
  'short-chat': shortChats,
  'one-at-a-time': oneAtATime,
  streams,
  'messages-streams': messagesStreams,
  'large-bodies': largeBodies,
  'open-streams': openStreams,
  latency,
  growth,
  'store-cost': storeCost,
  'start-up': startUp,
  sessions,
};

import type { Webhook } from '../identity/records/webhook.ts';
import { chatBody } from './chat-body.ts';
import { type Destination, destinationIn, type PrivateHosts } from './destination-url.ts';
import { eventText } from './event-text.ts';
import { post } from './post.ts';
import { type Resolve, resolveAt, systemResolve } from './resolve.ts';
import { signaturesOf } from './signature.ts';
import { failedBy, type TryOutcome } from './try-outcome.ts';
import type { SentEvent } from './waiting.ts';

/** Resolving, connecting, head and body together. */
const defaultTimeoutMs = 5_000;

export interface SenderOptions {
  privateHosts: PrivateHosts;
  /** Of the gateway. */
  version: string;
  timeoutMs?: number;
  /** In place of the name servers and the system. */
  resolve?: Resolve;
}

/** Sends an event to a webhook, once. */
export class Sender {
  readonly #options: SenderOptions & { timeoutMs: number };
  readonly #ofNameServers = resolveAt(null);

  constructor(options: SenderOptions) {
    this.#options = { timeoutMs: defaultTimeoutMs, ...options };
  }

  /** `nowMs`: the time of this try. Never rejects. */
  async send(webhook: Webhook, event: SentEvent, nowMs: number): Promise<TryOutcome> {
    const { privateHosts, timeoutMs, resolve, version } = this.#options;
    // The operator may have taken the host back since the URL was set.
    const read = destinationIn(webhook.url, privateHosts);
    if (!read.ok) return failedBy('refused_url');
    const { destination, headers, body } = messageOf(read.destination, webhook, event, nowMs);
    const ours = { 'content-type': 'application/json', 'user-agent': `Tollgate/${version}` };
    return post(
      destination,
      { headers: { ...ours, ...headers }, body },
      { timeoutMs, resolve: resolve ?? this.#resolveFor(read.destination), wallMs: nowMs },
    );
  }

  #resolveFor({ mayBePrivate }: Destination): Resolve {
    return mayBePrivate ? systemResolve : this.#ofNameServers;
  }
}

interface Composed {
  destination: Destination;
  headers: Record<string, string>;
  body: string;
}

function messageOf(destination: Destination, webhook: Webhook, event: SentEvent, nowMs: number): Composed {
  switch (webhook.format) {
    case 'slack': {
      const { url, body } = chatBody(destination.url, eventText(event));
      return { destination: { ...destination, url }, headers: {}, body: JSON.stringify(body) };
    }
    case 'standard': {
      const id = messageId(event.id);
      const timestampS = Math.floor(nowMs / 1000);
      const body = standardBody(event);
      const signatures = signaturesOf(webhook.secrets, { id, timestampS, body }, nowMs);
      const headers = {
        'webhook-id': id,
        'webhook-timestamp': String(timestampS),
        'webhook-signature': signatures,
      };
      return { destination, headers, body };
    }
  }
}

/** The same for every try of every delivery, so that a receiver knows what it has taken. */
export function messageId(eventId: string): string {
  return `evt_${eventId}`;
}

/** The same bytes at every try, too. */
function standardBody({ type, timeMs, team, data }: SentEvent): string {
  return JSON.stringify({ type, timestamp: new Date(timeMs).toISOString(), data: { ...data, team } });
}

import type { Command } from 'ioredis';
import type { Deadlines, Pending } from './deadlines.ts';
import type { Script } from './script.ts';

export interface ScriptCall {
  script: Script;
  keys: readonly string[];
  args: readonly (string | number)[];
  /** True sends the script's text: the server does not know its hash. */
  whole: boolean;
  /** Keeps the time for all calls of a connection. */
  deadlines: Deadlines;
  onReply: (reply: unknown) => void;
  onError: (error: Error) => void;
}

/**
 * One run of a script, as ioredis's `sendCommand` takes it. Its own `Command` copies the arguments, makes two promises
 * and deletes a property of itself, which costs as much as the rest of a store call.
 */
export class ScriptCommand implements Sendable, Pending {
  readonly name: string;
  readonly args: readonly string[];
  readonly inTransaction = false;
  readonly promise = sent;
  isTraced = false;
  readonly #call: ScriptCall;
  readonly #text: string;
  isSettled = false;

  constructor(call: ScriptCall) {
    const { script, keys, args, whole } = call;
    this.#call = call;
    this.name = whole ? 'eval' : 'evalsha';
    this.args = [whole ? script.source : script.sha];
    let text = `*${keys.length + args.length + 3}\r\n${bulk(this.name)}${bulk(this.args[0] ?? '')}${bulk(keys.length)}`;
    for (const key of keys) text += bulk(key);
    for (const arg of args) text += bulk(arg);
    this.#text = text;
  }

  setReplyContext(): void {
    // Replies of scripts are the same in both versions of the protocol.
  }

  /** ioredis says here that the command has a deadline. */
  setTimeout(): void {
    this.#call.deadlines.add(this);
  }

  expire(): void {
    this.reject(new Error('Command timed out'));
  }

  extractBlockingTimeout(): undefined {
    return undefined;
  }

  toWritable(): string {
    return this.#text;
  }

  resolve(reply: unknown): void {
    if (this.#settle()) this.#call.onReply(textsIn(reply));
  }

  reject(error: Error): void {
    if (this.#settle()) this.#call.onError(error);
  }

  /** False if the command has timed out already. */
  #settle(): boolean {
    if (this.isSettled) return false;
    this.isSettled = true;
    return true;
  }
}

/** As much of ioredis's `Command` as it uses once a command is made. */
type Sendable = Pick<Command, 'name' | 'inTransaction' | 'promise' | 'isTraced' | 'resolve' | 'reject'>;

/** Nobody waits for it: the callbacks tell what became of the command. */
const sent = Promise.resolve();

function bulk(text: string | number): string {
  const value = String(text);
  return `$${Buffer.byteLength(value)}\r\n${value}\r\n`;
}

/** ioredis gives texts as bytes. */
function textsIn(reply: unknown): unknown {
  if (Buffer.isBuffer(reply)) return reply.toString();
  return Array.isArray(reply) ? reply.map(textsIn) : reply;
}

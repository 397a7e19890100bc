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
  /** Nobody listens to ioredis's own channels for what takes how long: `OnRun` is told. */
  isTraced = true;
  readonly #call: ScriptCall;
  readonly #text: string;
  isSettled = false;

  constructor(call: ScriptCall) {
    const { script, args, whole } = call;
    this.#call = call;
    this.name = nameOf(whole);
    this.args = [whole ? script.source : script.sha];
    const last = args.at(-1);
    this.#text = last === undefined ? headOf(call) : headOf(call) + bulk(last);
  }

  setReplyContext(): void {
    // Replies of scripts are the same in both versions of the protocol.
  }

  /** ioredis says here that the command has a deadline. */
  setTimeout(): void {
    this.#call.deadlines.add(this);
  }

  expire(): void {
    this.#fail(new Error('Command timed out'));
  }

  extractBlockingTimeout(): undefined {
    return undefined;
  }

  toWritable(): string {
    return this.#text;
  }

  resolve(reply: unknown): void {
    this.#call.deadlines.heard();
    if (this.#settle()) this.#call.onReply(textsIn(reply));
  }

  /** The server refuses it, or its connection is gone. */
  reject(error: Error): void {
    this.#call.deadlines.heard();
    this.#fail(error);
  }

  #fail(error: Error): void {
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

function nameOf(whole: boolean): 'eval' | 'evalsha' {
  return whole ? 'eval' : 'evalsha';
}

/** A command's text but for its last argument. */
interface Head extends Pick<ScriptCall, 'keys' | 'whole'> {
  /** Without the last one. */
  args: ScriptCall['args'];
  argCount: number;
  text: string;
}

/**
 * Of each script, that of its last call: in nearly all calls nothing but the last argument is another one. So what changes with
 * each call goes last: 5.4 kB and 5 % of a request's allocations otherwise.
 */
const heads = new WeakMap<Script, Head>();

function headOf({ script, keys, args, whole }: ScriptCall): string {
  const known = heads.get(script);
  if (known?.whole === whole && known.argCount === args.length) {
    if (isSame(known.keys, keys) && known.args.every((arg, n) => arg === args[n])) return known.text;
  }
  let text = `*${keys.length + args.length + 3}\r\n${bulk(nameOf(whole))}`;
  text += `${bulk(whole ? script.source : script.sha)}${bulk(keys.length)}`;
  for (const key of keys) text += bulk(key);
  const fixed = args.slice(0, -1);
  for (const arg of fixed) text += bulk(arg);
  heads.set(script, { whole, keys, args: fixed, argCount: args.length, text });
  return text;
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((text, n) => text === others[n]);
}

function bulk(text: string | number): string {
  const value = String(text);
  return `$${Buffer.byteLength(value)}\r\n${value}\r\n`;
}

/** ioredis gives texts as bytes. */
function textsIn(reply: unknown): unknown {
  if (Buffer.isBuffer(reply)) return reply.toString();
  return Array.isArray(reply) ? reply.map(textsIn) : reply;
}

import { isJsonObject, type JsonObject, type JsonValue } from '../../base/request.ts';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import { Refusal } from '../../base/refusal.ts';
import type {
  RefusedRequest,
  RepairedRequest,
  RequestRepairs as Repairs,
} from '../../upstream/request-repairs.ts';
import { parseJson } from '../../validation/parse-json.ts';
import { type Asked, LearnedRepairs } from './learned-repairs.ts';
import { allRepaired, idOf, type Repair, repaired, repairsFor } from './repair.ts';
import { saidIn } from './said.ts';

/**
 * Changes what an upstream refuses and the gateway can change, and remembers it, so that the next request is changed
 * at once.
 */
export class RequestRepairs implements Repairs {
  readonly #learned: LearnedRepairs;
  readonly #log: Log;

  constructor({ clock, log }: { clock: Clock; log: Log }) {
    this.#learned = new LearnedRepairs(clock);
    this.#log = log;
  }

  /** The repairs that a request is known to need. */
  known(model: string, path: string, betas: string): readonly Repair[] {
    return this.#learned.knows(model) ? this.#learned.known({ model, path, betas }) : none;
  }

  repair({ body: bytes, answer, ...asked }: RefusedRequest): RepairedRequest | null {
    const said = saidIn(answer);
    const wanted = repairsFor(said, asked.path);
    if (wanted.length === 0) return null;
    const body = parseJson(bytes);
    if (body instanceof Refusal) return null;
    const helpful = wanted.filter((repair) => repaired(body, repair).body !== body);
    if (helpful.length === 0) return null;
    const result = allRepaired(body, helpful);
    return {
      body: Buffer.from(JSON.stringify(result.body)),
      adjusted: result.adjusted,
      confirm: () => {
        const own = bytes.length > maxTeachingBytes ? null : ownRepairs(body, asked.path);
        for (const repair of helpful) {
          const isCallers = own === null || own.has(idOf(repair)) || isQuoted(repair, body, said);
          if (!isCallers) this.#learn(asked, repair);
        }
      },
    };
  }

  #learn(asked: Asked, repair: Repair): void {
    if (!this.#learned.learn(asked, repair)) return;
    const { model, path } = asked;
    this.#log.info('an upstream refuses what the gateway can change: it is changed for a day', {
      model,
      path,
      change: loggedAs(repair),
    });
  }
}

const none: readonly never[] = [];

/** A repair as the log may name it: callers can call a field anything, and the log holds no content. */
function loggedAs(repair: Repair): string {
  const isPlain = repair.kind !== 'drop' || repair.path.every((name) => /^(?:[a-z_]{1,40}|\*)$/.test(name));
  return isPlain ? idOf(repair) : `${repair.kind} a field whose name is not logged`;
}

/** A larger request teaches nothing: reading it for `ownRepairs` would hold up others. */
const maxTeachingBytes = 262_144;
const excerpt = { length: 2_000, step: 1_000 };

/**
 * The repairs that a caller's own texts ask for, in the words of an upstream. An upstream that refuses the request for
 * another reason may quote them; they are no reason to change other callers' requests.
 */
function ownRepairs(body: JsonObject, path: string): ReadonlySet<string> {
  const texts = textsIn(body).join('\n');
  const ids = new Set<string>();
  for (let at = 0; at < texts.length; at += excerpt.step) {
    for (const repair of repairsFor(texts.slice(at, at + excerpt.length), path)) ids.add(idOf(repair));
  }
  return ids;
}

/**
 * Whether an upstream's words about a field may be the caller's own, from the field's value: then they are no reason to
 * leave the field out of other callers' requests.
 */
function isQuoted(repair: Repair, body: JsonObject, said: string): boolean {
  if (repair.kind !== 'drop') return false;
  let values: JsonValue[] = [body];
  for (const segment of repair.path) {
    values = values.flatMap((value) => inside(value, segment));
  }
  return values.some((value) => textsIn(value).some((text) => said.includes(text)));
}

function inside(value: JsonValue, segment: string): JsonValue[] {
  if (Array.isArray(value)) return segment === '*' ? value : value.flatMap((item) => inside(item, segment));
  if (!isJsonObject(value)) return [];
  const held = value[segment];
  return held === undefined ? [value] : [held];
}

/** Shorter texts are in any message. */
const shortestTelling = 8;

function textsIn(value: JsonValue): string[] {
  if (typeof value === 'string') return value.length < shortestTelling ? [] : [value];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  return isJsonObject(value)
    ? Object.entries(value).flatMap(([key, held]) => [...textsIn(key), ...textsIn(held)])
    : [];
}

import type { Clock } from '../../base/clock.ts';
import { idOf, type Repair } from './repair.ts';

/** What was refused: the same model may take on one endpoint, or with a beta, what it refuses without. */
export interface Asked {
  model: string;
  path: string;
  /** The `anthropic-beta` header that was sent on; empty if there was none. */
  betas: string;
}

interface Learned extends Omit<Asked, 'model'> {
  repair: Repair;
  untilMs: number;
}

/** After that a model is asked anew: it may have come to take what it refused. */
const rememberedMs = 86_400_000;
const maxModels = 256;
const maxOfModel = 32;

/** The repairs that upstreams' refusals have taught this process, by model. Bounded; each is forgotten after a day. */
export class LearnedRepairs {
  readonly #ofModel = new Map<string, readonly Learned[]>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether anything has been learned of a model; usually not, for one look at a map. */
  knows(model: string): boolean {
    return this.#ofModel.has(model);
  }

  /** The repairs for a request, in the order they were learned. */
  known({ model, path, betas }: Asked): readonly Repair[] {
    const learned = this.#ofModel.get(model);
    if (learned === undefined) return none;
    const nowMs = this.#clock.monotonic();
    return learned
      .filter((each) => each.path === path && each.betas === betas && nowMs < each.untilMs)
      .map(({ repair }) => repair);
  }

  /** Remembers a repair that helped. Returns whether it is new. */
  learn({ model, path, betas }: Asked, repair: Repair): boolean {
    const nowMs = this.#clock.monotonic();
    const id = idOf(repair);
    const isSame = (each: Learned): boolean =>
      each.path === path && each.betas === betas && idOf(each.repair) === id;
    const known = (this.#ofModel.get(model) ?? none).filter(({ untilMs }) => nowMs < untilMs);
    const others = known.filter((each) => !isSame(each));
    const learned = { path, betas, repair, untilMs: nowMs + rememberedMs };
    this.#ofModel.delete(model); // so that the last one in the map is the one learned of last
    this.#ofModel.set(model, [...others, learned].slice(-maxOfModel));
    const [oldest] = this.#ofModel.keys();
    if (this.#ofModel.size > maxModels && oldest !== undefined) this.#ofModel.delete(oldest);
    return others.length === known.length;
  }
}

const none: readonly never[] = [];

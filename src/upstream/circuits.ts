import {
  afterFailure,
  afterProbeSent,
  type CircuitBreaker,
  type CircuitState,
  closed,
  stateOf,
} from './circuit-breaker.ts';
import type { Cause } from './retry.ts';

/** Who asked for which model. */
export interface Asker {
  readonly team: string;
  readonly model: string;
  /** Whether configuration or an upstream's list has the model, not only a caller. */
  readonly isModelKnown: boolean;
}

/** By team; under `everyone` what no request can bring about. */
interface Circuit {
  readonly isKnown: boolean;
  readonly breakers: Map<string, CircuitBreaker>;
}

/** No team can have this id. */
const everyone = '';

/** Far more than are served. Beyond this, circuits of models that only callers name are forgotten. */
const maxModels = 128;
/** A little longer than a connection may take: a slow answer is no reason to keep others away. */
const connectProbeMs = 6_000;
/** Of one model. Two are enough to open it for everyone. */
const maxTeams = 16;
/** Failures of two teams belong together if the circuit of the first was open until so long ago, ms. */
const togetherMs = 300_000;
/** A single connection may fail by chance. */
const unconnectedAtLeast = 2;
/** What one team alone has met so often in a row, and nobody an answer, is an outage if it is the only one that asks. */
const failuresAloneAtLeast = 5;

/**
 * The circuit breakers of one attachment: for each model, and in it for each team, since a request's own content can make
 * an upstream slow or fail. A failure counts for its own team. For another team the circuit is open while it is open for
 * two others. Only what no request can bring about, a connection that fails, counts for everyone at once. What works is
 * not kept. Time and chance are arguments.
 */
export class Circuits {
  readonly #ofModel = new Map<string, Circuit>();

  /** The circuit breaker of a model as it counts for a team. */
  breaker(model: string, team: string, nowMs: number): CircuitBreaker {
    const circuit = this.#ofModel.get(model);
    return circuit === undefined ? closed : breakerFor(circuit.breakers, team, nowMs);
  }

  /** Whether it is open for any team, for any model. */
  isOpen(nowMs: number): boolean {
    return this.states(nowMs).some(({ state }) => state === 'open');
  }

  /** The circuits that are not closed, each as it is for the team that waits longest. */
  states(nowMs: number): { model: string; isKnown: boolean; state: CircuitState; openUntilMs: number }[] {
    return [...this.#ofModel].flatMap(([model, { isKnown, breakers }]) => {
      const [last] = [...breakers.values()].sort((a, b) => b.openUntilMs - a.openUntilMs);
      if (last === undefined) return [];
      return [{ model, isKnown, state: stateOf(last, nowMs), openUntilMs: last.openUntilMs }];
    });
  }

  /** A request is being sent. Returns whether it probes: until its result is known, its team's others do not. */
  send(model: string, team: string, nowMs: number): boolean {
    const breakers = this.#ofModel.get(model)?.breakers;
    if (breakers === undefined) return false;
    const own = probe(breakers, team, { nowMs });
    return probe(breakers, everyone, { nowMs, probeMs: connectProbeMs }) || own;
  }

  /** A connection came about, whatever becomes of the request. Returns whether the circuit closes for all by it. */
  connected(model: string): boolean {
    const breakers = this.#ofModel.get(model)?.breakers;
    return breakers?.delete(everyone) === true && breakers.size === 0 && this.#ofModel.delete(model);
  }

  /**
   * The outage that failures of this cause are; null if they may be by chance. No single team can bring it about if
   * connections have failed again, or two teams have met a failure and nobody an answer. A team that is alone may have: it
   * is named.
   */
  outage(model: string, cause: Cause, nowMs: number): { onlyTeam: string | null } | null {
    const breakers = this.#ofModel.get(model)?.breakers;
    if (breakers === undefined) return null;
    if (cause === 'unconnected') {
      return (breakers.get(everyone)?.failures ?? 0) >= unconnectedAtLeast ? { onlyTeam: null } : null;
    }
    const [first, second] = [...breakers].filter(
      ([whose, { openUntilMs }]) => whose !== everyone && nowMs - openUntilMs < togetherMs,
    );
    if (first === undefined) return null;
    if (second !== undefined) return { onlyTeam: null };
    const [onlyTeam, { failures }] = first;
    return failures >= failuresAloneAtLeast ? { onlyTeam } : null;
  }

  /** Records a failure. Returns for how long the circuit is open now, ms, and for whom; null if it was open before. */
  fail(
    { team, model, isModelKnown }: Asker,
    failure: { cause: Cause } & Parameters<typeof afterFailure>[1],
  ): { forMs: number; team: string | null } | null {
    const whose = failure.cause === 'unconnected' ? everyone : team;
    const { breakers } = this.#circuitOf(model, isModelKnown);
    const before = breakers.get(whose);
    const after = afterFailure(before ?? closed, failure);
    if (before === undefined && breakers.size >= maxTeams) dropFirstToClose(breakers);
    breakers.set(whose, after);
    if (before !== undefined) return null;
    return { forMs: after.openUntilMs - failure.nowMs, team: whose === everyone ? null : team };
  }

  /** Records that the model answered, whoever asked. Returns whether a circuit closes. */
  succeed(model: string): boolean {
    return this.#ofModel.size > 0 && this.#ofModel.delete(model);
  }

  #circuitOf(model: string, isKnown: boolean): Circuit {
    const known = this.#ofModel.get(model);
    if (known) return known;
    if (this.#ofModel.size >= maxModels) this.#forgetUnknown();
    const made = { isKnown, breakers: new Map<string, CircuitBreaker>() };
    this.#ofModel.set(model, made);
    return made;
  }

  /** Those that are known are as many as are served. */
  #forgetUnknown(): void {
    for (const [model, { isKnown }] of this.#ofModel) {
      if (isKnown) continue;
      this.#ofModel.delete(model);
      return;
    }
  }
}

function probe(
  breakers: Map<string, CircuitBreaker>,
  whose: string,
  { nowMs, probeMs }: { nowMs: number; probeMs?: number },
): boolean {
  const breaker = breakers.get(whose);
  if (breaker === undefined || stateOf(breaker, nowMs) !== 'half-open') return false;
  breakers.set(whose, afterProbeSent(breaker, nowMs, probeMs));
  return true;
}

/** Its own failures and everyone's, and those that two other teams have in common. */
function breakerFor(
  breakers: ReadonlyMap<string, CircuitBreaker>,
  team: string,
  nowMs: number,
): CircuitBreaker {
  let failures = 0;
  let openUntilMs = 0;
  let [latest, second] = [closed, closed];
  const count = (breaker: CircuitBreaker): void => {
    failures = Math.max(failures, breaker.failures);
    openUntilMs = Math.max(openUntilMs, breaker.openUntilMs);
  };
  for (const [whose, breaker] of breakers) {
    if (whose === team || whose === everyone) count(breaker);
    else if (breaker.openUntilMs > latest.openUntilMs) [latest, second] = [breaker, latest];
    else if (breaker.openUntilMs > second.openUntilMs) second = breaker;
  }
  if (stateOf(second, nowMs) === 'open') count(second);
  return failures === 0 ? closed : { failures, openUntilMs };
}

function dropFirstToClose(breakers: Map<string, CircuitBreaker>): void {
  let first: string | null = null;
  let firstMs = Infinity;
  for (const [whose, { openUntilMs }] of breakers) {
    if (whose === everyone || openUntilMs >= firstMs) continue;
    first = whose;
    firstMs = openUntilMs;
  }
  if (first !== null) breakers.delete(first);
}

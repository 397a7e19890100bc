import { EventEmitter } from 'node:events';
import { StoreUnavailable } from '../store/store-unavailable.ts';

/** Why nobody is served. */
export type Closed =
  /** It is not known yet whether the store has what it had. */
  | 'unchecked'
  /** It does not: it is being restored. */
  | 'forgotten'
  /** It is empty or older than it was, and Postgres, which has what it lacks, cannot be reached. */
  | 'no_records';

/** What is known of the store. */
export interface GateState {
  /** Null: open. */
  readonly closed: Closed | null;
  /** Grows with every doubt: what was found out before it no longer counts. */
  readonly doubts: number;
  /** Postgres cannot be used: the store is taken as it is, as without records. */
  readonly isOff: boolean;
}

/** What happens. `doubts` is the state's, when looking began. */
export type GateEvent =
  /** The store was away, or a script found that it has lost its data. */
  | { readonly kind: 'doubt'; readonly why: 'unreachable' | 'forgotten' }
  /** The store was compared with Postgres. */
  | { readonly kind: 'compared'; readonly doubts: number; readonly hasForgotten: boolean }
  /**
   * Postgres did not answer. `store`: whether it says that it was drained, last so or earlier than this process has seen,
   * has teams without saying so, or is empty.
   */
  | {
      readonly kind: 'records_away';
      readonly doubts: number;
      readonly store: 'drained' | 'older' | 'used' | 'empty';
      /** Whether Postgres has ever answered this process. */
      readonly wasReached: boolean;
    }
  /** Postgres answers, and cannot be used: a wrong password, missing rights, records of another store. */
  | { readonly kind: 'records_unusable' };

export const atStart: GateState = { closed: 'unchecked', doubts: 0, isOff: false };

/** The state after an event. Pure. */
export function nextState(state: GateState, event: GateEvent): GateState {
  switch (event.kind) {
    case 'doubt':
      return { ...state, doubts: state.doubts + 1, closed: doubtful(state, event.why) };
    case 'compared':
      if (event.doubts !== state.doubts) return state;
      return { ...state, isOff: false, closed: event.hasForgotten ? 'forgotten' : null };
    case 'records_away':
      if (event.doubts !== state.doubts || state.isOff || state.closed === 'forgotten') return state;
      return { ...state, closed: isServedWithout(event) ? null : 'no_records' };
    case 'records_unusable':
      return { ...state, isOff: true, closed: null };
  }
}

function doubtful({ isOff, closed }: GateState, why: 'unreachable' | 'forgotten'): Closed | null {
  if (isOff) return null;
  // A store that has forgotten is restored, also if its connection breaks meanwhile.
  return why === 'forgotten' || closed === 'forgotten' ? 'forgotten' : 'unchecked';
}

/** Whether a store is taken as it is while Postgres is away: it has data, and nothing says that it lacks some. */
function isServedWithout({ store, wasReached }: Extract<GateEvent, { kind: 'records_away' }>): boolean {
  return store === 'drained' || (store === 'used' && !wasReached);
}

/** Keeps requests from a store that may have forgotten what it had. */
export class Gate {
  #state = atStart;
  readonly #events = new EventEmitter<{ opened: []; closed: [] }>();

  get isOpen(): boolean {
    return this.#state.closed === null;
  }

  get state(): GateState {
    return this.#state;
  }

  /** Why it is closed, as `Store.problem` says it: "it …". Null while it is open. */
  get problem(): string | null {
    switch (this.#state.closed) {
      case null:
        return null;
      case 'unchecked':
        return 'it is being compared with its records';
      case 'forgotten':
        return 'it has lost its data and is being restored from its records';
      case 'no_records':
        return 'it lacks data, and Postgres, which may have it, cannot be reached';
    }
  }

  note(event: GateEvent): void {
    const was = this.#state;
    this.#state = nextState(was, event);
    if (was.closed !== null && this.isOpen) this.#events.emit('opened');
    if (was.doubts !== this.#state.doubts && !this.isOpen) this.#events.emit('closed');
  }

  /** Calls `listener` each time it opens. */
  onOpened(listener: () => void): void {
    this.#events.on('opened', listener);
  }

  /** Calls `listener` at every doubt that closes it, or keeps it closed. */
  onClosed(listener: () => void): void {
    this.#events.on('closed', listener);
  }

  /** Resolves when it is open. */
  async opened(): Promise<void> {
    while (!this.isOpen) await new Promise<void>((resolve) => this.#events.once('opened', resolve));
  }

  refusal(): StoreUnavailable {
    return new StoreUnavailable(`The store is not used: ${this.problem ?? 'it may be again'}.`, {
      mayHaveRun: false,
      told: 'The store that holds tokens and limits is being restored from its records; try again.',
    });
  }
}

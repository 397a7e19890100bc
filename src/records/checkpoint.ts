/** What is drained: each is a stream of the store. */
export const streamNames = ['entries', 'refusals', 'audit'] as const;
export type StreamName = (typeof streamNames)[number];

/** How far a stream is drained. */
export interface Checkpoint {
  /** The last drained element, `ms-seq`. */
  readonly id: string;
  /** How many elements the stream had been given by then, that one included. */
  readonly added: number;
}

export type Checkpoints = Readonly<Record<StreamName, Checkpoint>>;

export const noCheckpoint: Checkpoint = { id: '0-0', added: 0 };

export const startOfStreams: Checkpoints = {
  entries: noCheckpoint,
  refusals: noCheckpoint,
  audit: noCheckpoint,
};

/** The two numbers of an element's id. */
export function idParts(id: string): { ms: number; seq: number } {
  const [ms = 0, seq = 0] = id.split('-').map(Number);
  return { ms, seq };
}

/** Negative if `a` was added before `b`. */
export function compareIds(a: string, b: string): number {
  const [one, other] = [idParts(a), idParts(b)];
  return one.ms - other.ms || one.seq - other.seq;
}

import type { DocumentedOperation } from '../base/operation-docs.ts';
import type { Call } from './call.ts';

export type Work = (call: Call) => Promise<void>;

/** What a method of a path does, and what is told of it: neither is without the other. */
interface Operation extends DocumentedOperation {
  work: Work;
}

/** A path of the data plane and what its methods do; every other method is a 405. */
export interface DataRoute {
  path: string;
  methods: Partial<Record<'GET' | 'POST' | 'DELETE', Operation>>;
}

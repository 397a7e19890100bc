import type { Log } from '../base/log.ts';

/** A log that can also say that all is over, and be emptied before the exit. */
export interface LifecycleLog extends Log {
  fatal: Log['error'];
  /** Writes what is waiting, now. */
  flush(): void;
}

type Write = (message: string, fields?: Readonly<Record<string, unknown>>) => void;

/** The log, as most code needs it. Pass an error as `error`. */
export interface Log {
  info: Write;
  warn: Write;
  error: Write;
}

/** A log that also has `fatal`, and can be waited for before the exit. */
export interface LifecycleLog extends Log {
  fatal: Write;
  /** Writes waiting lines, and resolves when their reader has them or takes no more. */
  delivered(): Promise<void>;
}

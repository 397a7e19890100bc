type Write = (message: string, fields?: Readonly<Record<string, unknown>>) => void;

/** As much of the log as the parts need. An error goes under `error`. */
export interface Log {
  info: Write;
  warn: Write;
  error: Write;
}

/** A log that can also report the end of the process, and be emptied before the exit. */
export interface LifecycleLog extends Log {
  fatal: Write;
  /** Writes what is waiting, now. */
  flush(): void;
}

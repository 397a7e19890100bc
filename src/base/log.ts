type Write = (message: string, fields?: Readonly<Record<string, unknown>>) => void;

/** As much of the log as the parts need. An error goes under `error`. */
export interface Log {
  info: Write;
  warn: Write;
  error: Write;
}

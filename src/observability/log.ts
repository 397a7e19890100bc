import { pino } from 'pino';
import { type Clock, systemClock } from '../base/clock.ts';
import { AccessFields, type AccessLine } from './access-line.ts';
import { BatchedLines } from './batched-lines.ts';
import { LineBudget, maxFieldBytes, maxTextBytes } from './line-budget.ts';
import { tidyFields } from './log-fields.ts';
import { Redactor } from './redact.ts';
import { type LineOutput, standardOutput } from './stdout.ts';

/**
 * Explicit and flat: texts, numbers and booleans; `error` becomes its name, message and stack. Everything else, such as
 * a request or a body, is left out.
 */
export type LogFields = Readonly<Record<string, unknown>>;

type Write = (message: string, fields?: LogFields) => void;

export interface Log {
  debug: Write;
  info: Write;
  warn: Write;
  error: Write;
  fatal: Write;
  /** Writes the one line of a request. */
  access(line: AccessLine): void;
  /** Masks this secret (a key, a password) in every line from now on. */
  protect(secret: string): void;
  /** Writes waiting lines now. */
  flush(): void;
  /** Writes waiting lines, and resolves when their reader has them or takes no more; await it before an exit. */
  delivered(): Promise<void>;
}

export interface LogOptions {
  /** A pino level: trace, debug, info, warn, error, fatal or silent. */
  level: string;
  /** Where joined lines go; default: standard output. */
  output?: LineOutput;
  clock?: Clock;
}

/** JSON lines on standard output, joined and written together, under 10 kB each, with secrets masked. */
export function createLog({ level, output = standardOutput(), clock = systemClock }: LogOptions): Log {
  const lines = new BatchedLines({ write: (text) => output.write(text) });
  const redactor = new Redactor();
  const redact = (text: string): string => redactor.redact(text);
  const accessFields = new AccessFields(redact);
  const { pid } = process;
  const logger = pino(
    { level, base: { pid }, formatters: { level: (label) => ({ level: label }) } },
    { write: (line: string) => lines.add(line) },
  );

  const writer =
    (at: 'debug' | 'info' | 'warn' | 'error' | 'fatal'): Write =>
    (message, fields = {}) => {
      if (!logger.isLevelEnabled(at)) return;
      const budget = new LineBudget(maxTextBytes);
      const text = budget.take(redact(message), maxFieldBytes);
      logger[at](tidyFields(fields, budget, redact), text);
      if (at === 'error' || at === 'fatal') lines.flush();
    };

  return {
    debug: writer('debug'),
    info: writer('info'),
    warn: writer('warn'),
    error: writer('error'),
    fatal: writer('fatal'),
    access: (line) => {
      if (!logger.isLevelEnabled('info')) return;
      // Written as pino would, but without it: pino took an eighth of a short request's instructions.
      const fields = accessFields.text(line);
      lines.add(`{"level":"info","time":${clock.now()},"pid":${pid},${fields},"msg":"request"}\n`);
    },
    protect: (secret) => {
      redactor.protect(secret);
      accessFields.forget();
    },
    flush: () => lines.flush(),
    delivered: () => {
      lines.flush();
      return output.delivered();
    },
  };
}

import type { LifecycleLog } from './lifecycle-log.ts';

/**
 * A process with an error nobody caught is in an unknown state: it says so and ends. Its open requests are
 * closed as `lost` by the processes that live (invariant 2), and the primary or the dyno starts it again.
 */
export function installCrashGuards(log: Pick<LifecycleLog, 'fatal' | 'flush'>): void {
  const crash = (message: string, reason: unknown): void => {
    try {
      log.fatal(message, { error: reason instanceof Error ? reason : new Error(String(reason)) });
      log.flush();
    } finally {
      process.exit(1);
    }
  };
  process.on('uncaughtException', (error) => crash('uncaught exception', error));
  process.on('unhandledRejection', (reason) => crash('unhandled rejection', reason));
}

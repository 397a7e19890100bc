import type { StoreSettings } from '../config/store.ts';
import { RedisStore } from '../store/redis.ts';
import { type Finding, problem, timeText } from './finding.ts';

/** After the first failure, until then it may find out that the server has too many clients. */
const askedWhyMs = 1_200;

/** The store, connected; or what keeps it from being reached. The caller closes it. */
export async function reachStore(
  { url, verifyTls }: Extract<StoreSettings, { kind: 'redis' }>,
  timeoutMs: number,
): Promise<RedisStore | Finding> {
  const seen: { error: Error | null } = { error: null };
  const store = new RedisStore({
    url,
    verifyTls,
    commandTimeoutMs: timeoutMs,
    onDown: (error) => {
      seen.error = error;
      setTimeout(() => store.close(), askedWhyMs);
    },
  });
  store.connect();
  try {
    await store.whenReady(2 * timeoutMs);
    return store;
  } catch {
    const { problem: told } = store;
    store.close();
    return unreached(told ?? reasonOf(seen.error), timeoutMs);
  }
}

/** What is to be said of a store that cannot be reached. `reason`: null if there was no answer at all. Pure. */
export function unreached(reason: string | null, timeoutMs: number): Finding {
  const check = 'store.server';
  if (reason === null || /timed out|ETIMEDOUT/i.test(reason)) {
    const says = `The store does not answer within ${timeText(timeoutMs)}: it hangs, or the network swallows the connection.`;
    return problem(check, says, 'heroku redis:info, or look at the log of the server and at firewalls.');
  }
  return problem(check, `The store cannot be reached: ${reason}.`, remedyFor(reason));
}

function remedyFor(reason: string): string {
  if (/certificate|self.signed|issuer/i.test(reason)) {
    return "Unset REDIS_TLS_VERIFY: Heroku's certificates are self-signed.";
  }
  if (/maxclients/i.test(reason)) {
    return 'Run fewer processes, or take a plan with more: docs/store-budget.md#connections';
  }
  if (/WRONGPASS|NOAUTH|NOPERM|invalid password/i.test(reason)) {
    return 'Take user and password from heroku redis:credentials: they change with maintenance.';
  }
  return 'Check REDIS_TLS_URL or REDIS_URL, and that the server runs: heroku redis:info';
}

/** If several addresses refuse, Node gives only a code. */
function reasonOf(error: (Error & { code?: string }) | null): string | null {
  if (error === null) return null;
  return (error.message || (error.code ?? 'unknown')).replace(/\.$/, '');
}

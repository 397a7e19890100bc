import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { type Answer, ask, type Page, type Problem, withQuery } from './api.ts';

/* What a view reads. The rows of before stay while new ones come, so that nothing jumps. */

export interface Reading<T> {
  /** The path that the value is of: not the one that is being read while `isLoading`. */
  of: string | null;
  /** Null until the first answer. */
  value: T | null;
  etag: string | null;
  /** Why the last reading failed. */
  problem: Problem | null;
  isLoading: boolean;
  reload: () => void;
}

const nothing = { of: null, value: null, etag: null };

/** Reads a path, and again when it changes; null reads nothing. */
export function useReading<T>(path: string | null): Reading<T> {
  const [state, setState] = useState<Omit<Reading<T>, 'reload'>>({
    ...nothing,
    problem: null,
    isLoading: path !== null,
  });
  const [times, setTimes] = useState(0);
  useEffect(() => {
    if (path === null) return;
    const left = new AbortController();
    setState((before) => ({ ...before, isLoading: true }));
    void ask<T>(path, { signal: left.signal }).then((answer) => {
      if (left.signal.aborted) return;
      setState((before) =>
        answer.ok
          ? { of: path, value: answer.value, etag: answer.etag, problem: null, isLoading: false }
          : { ...(before.of === path ? before : nothing), problem: answer.problem, isLoading: false },
      );
    });
    return () => left.abort();
  }, [path, times]);
  const reload = useCallback(() => setTimes((before) => before + 1), []);
  return { ...state, reload };
}

/** Undoes a change of a record with `body`, unless somebody has changed it since: it must still have the ETag. */
export function undoing(
  path: string,
  { body, etag, reload }: { body: object; etag: string | null; reload: () => void },
): () => Promise<Answer<unknown>> {
  return async () => {
    const answer = await ask(path, { method: 'PATCH', body, etag });
    reload();
    return answer;
  };
}

export interface List<Row> {
  /** Null until the first page. */
  rows: readonly Row[] | null;
  problem: Problem | null;
  isLoading: boolean;
  hasMore: boolean;
  more: () => void;
  reload: () => void;
}

const perPage = 50;
/** So many empty pages are read in a row; after that, a person asks for more. */
const mostPagesAtOnce = 5;

/** What was read of a list so far. */
interface Found<Row> {
  of: string | null;
  rows: readonly Row[] | null;
  next: string | null;
}

const nothingFound = { of: null, rows: null, next: null };

/** Reads a list page by page. Another path begins anew. */
export function useList<Row>(path: string | null, limit = perPage): List<Row> {
  const [found, setFound] = useState<Found<Row>>(nothingFound);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isLoading, setLoading] = useState(path !== null);
  const [times, setTimes] = useState(0);
  const left = useRef(new AbortController());

  const read = useCallback(
    async (cursor: string | null, before: readonly Row[]) => {
      if (path === null) return;
      const { signal } = left.current;
      setLoading(true);
      let at = cursor;
      // A page may be empty though more follow: the gateway has looked through many entries, and none matches.
      for (let page = 0; page < mostPagesAtOnce; page += 1) {
        const answer = await ask<Page<Row>>(withCursor(path, limit, at), { signal });
        if (signal.aborted) return;
        if (!answer.ok) {
          setProblem(answer.problem);
          setFound((known) => (known.of === path ? known : nothingFound));
          break;
        }
        const { data, next_cursor: next = null } = answer.value;
        at = next;
        setProblem(null);
        setFound({ of: path, rows: [...before, ...data], next });
        if (next === null || data.length > 0) break;
      }
      setLoading(false);
    },
    [path, limit],
  );

  useEffect(() => {
    left.current = new AbortController();
    void read(null, []);
    return () => left.current.abort();
  }, [read, times]);

  const { of, rows, next } = found;
  return {
    rows,
    problem,
    isLoading,
    hasMore: of === path && next !== null,
    more: () => void read(next, rows ?? []),
    reload: useCallback(() => setTimes((before) => before + 1), []),
  };
}

function withCursor(path: string, limit: number, cursor: string | null): string {
  const [base = '', query = ''] = path.split('?', 2);
  return withQuery(base, { ...Object.fromEntries(new URLSearchParams(query)), limit, cursor });
}

import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { ask, type Page, type Problem, withQuery } from './api.ts';

/* What a view reads. The rows of before stay while new ones come, so that nothing jumps. */

export interface Reading<T> {
  /** Null until the first answer. */
  value: T | null;
  etag: string | null;
  /** Why the last reading failed. */
  problem: Problem | null;
  isLoading: boolean;
  reload: () => void;
}

/** Reads a path, and again when it changes; null reads nothing. */
export function useReading<T>(path: string | null): Reading<T> {
  const [state, setState] = useState<Omit<Reading<T>, 'reload'> & { path: string | null }>(nothing(path));
  const [times, setTimes] = useState(0);
  useEffect(() => {
    if (path === null) return;
    const left = new AbortController();
    setState((before) => ({ ...before, isLoading: true }));
    void ask<T>(path, { signal: left.signal }).then((answer) => {
      if (left.signal.aborted) return;
      setState((before) =>
        answer.ok
          ? { path, value: answer.value, etag: answer.etag, problem: null, isLoading: false }
          : { ...before, path, problem: answer.problem, isLoading: false },
      );
    });
    return () => left.abort();
  }, [path, times]);
  const reload = useCallback(() => setTimes((before) => before + 1), []);
  return { ...state, reload };
}

function nothing<T>(path: string | null): Omit<Reading<T>, 'reload'> & { path: string | null } {
  return { path, value: null, etag: null, problem: null, isLoading: path !== null };
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

/** Reads a list page by page. Another path begins anew. */
export function useList<Row>(path: string | null, limit = perPage): List<Row> {
  const [rows, setRows] = useState<readonly Row[] | null>(null);
  const [next, setNext] = useState<string | null>(null);
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
      const found = [...before];
      // A page may be short, or empty, though more follow.
      do {
        const answer = await ask<Page<Row>>(withCursor(path, limit, at), { signal });
        if (signal.aborted) return;
        if (!answer.ok) {
          setProblem(answer.problem);
          break;
        }
        setProblem(null);
        found.push(...answer.value.data);
        at = answer.value.next_cursor ?? null;
        setRows(found);
        setNext(at);
      } while (at !== null && found.length === before.length);
      setLoading(false);
    },
    [path, limit],
  );

  useEffect(() => {
    left.current = new AbortController();
    void read(null, []);
    return () => left.current.abort();
  }, [read, times]);

  return {
    rows,
    problem,
    isLoading,
    hasMore: next !== null,
    more: () => void read(next, rows ?? []),
    reload: useCallback(() => setTimes((before) => before + 1), []),
  };
}

function withCursor(path: string, limit: number, cursor: string | null): string {
  const [base = '', query = ''] = path.split('?', 2);
  return withQuery(base, { ...Object.fromEntries(new URLSearchParams(query)), limit, cursor });
}

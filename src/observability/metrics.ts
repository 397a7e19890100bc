import { setTimeout as sleep } from 'node:timers/promises';
import { collectDefaultMetrics, Registry, type MetricObjectWithValues, type MetricValue } from 'prom-client';
import { figures, type FigureField, type Figures } from '../base/figures.ts';
import { nanoUsdPerUsd } from '../base/price.ts';
import type { Outcome } from '../base/outcome.ts';
import { errorTable, type ErrorCode } from '../base/refusal.ts';
import { createInstruments, type Instruments } from './instruments.ts';
import type { Distribution, Tally } from './tallies.ts';

export interface MetricsText {
  contentType: string;
  body: string;
}

/** One process's metrics, as it sends them to be summed up. */
export type MetricsSnapshot = MetricObjectWithValues<MetricValue<string>>[];

export interface MetricsOptions {
  version: string;
  /** Names the process's dyno in every series; processes of one dyno are summed up. */
  dyno: string;
  /** The paths that may be a label; others become `other`. */
  endpoints: readonly string[];
}

export interface Answer {
  endpoint: string;
  status: number;
  outcome: Outcome | 'refused';
  stream: boolean;
  durationMs: number;
  ttfbMs: number | null;
  /** Null unless the upstream accepted it: a name that a caller made up must not become a series. */
  model: string | null;
  figures: Figures;
}

export interface Gauges {
  /** Settlements not yet written to the store. */
  ledgerPending: () => number;
  openRequests: () => number;
  openStreams: () => number;
  /** Requests that wait for quota. */
  waiting: () => number;
  attachments: () => readonly { attachment: string; isOpen: boolean }[];
  /** How much of limits is used; null if the store does not answer. */
  limits: () => Promise<readonly LimitUse[] | null>;
  /** What the store holds; null if it does not answer. */
  store: () => Promise<StoreExtent | null>;
  /** What waits for webhooks; null if another process delivers. */
  webhooks: () => { readonly pending: number; readonly disabled: number } | null;
  /** What is to be moved to Postgres; null if nothing is, or the store does not answer. */
  records: () => Promise<RecordsExtent | null>;
}

export interface RecordsExtent {
  isOn: boolean;
  /** How much of each stream of the store is not in Postgres yet. */
  backlog: Readonly<Record<string, number>>;
  /** When something was last moved; null if never. */
  drainedAtMs: number | null;
}

/** How much of a team's or the gateway's limit is used. */
export interface LimitUse {
  team: string;
  scope: string;
  limit: string;
  covers: string;
  used: number;
  max: number;
}

export interface StoreExtent {
  usedBytes: number;
  /** 0: no bound. */
  maxBytes: number;
  entries: number;
  /** When the oldest kept entry was closed; null if there is none. */
  oldestAtMs: number | null;
}

/** A hanging store must not cost the other figures: a worker has 1 s to answer. */
const storePatienceMs = 500;

/** If an upstream accepts any model name, not each one may become a series. */
const maxModels = 200;
const otherModels = 'other';

/** What decides which series an answer counts in. */
type SeriesLabels = Pick<Answer, 'endpoint' | 'status' | 'outcome' | 'stream'>;

/** How sending an event to a webhook has ended. */
export const deliveryOutcomes = ['delivered', 'failed', 'given_up', 'dropped', 'disabled'] as const;
export type DeliveryOutcome = (typeof deliveryOutcomes)[number];

interface AnswerSeries {
  requests: Tally;
  seconds: Distribution;
  firstByteSeconds: Distribution;
}

/** The figures that are counted by model, each with its counter. */
type ModelSeries = readonly { field: FigureField; tally: Tally }[];

/** This process's metrics, in a registry of its own. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #is: Instruments;
  readonly #endpoints: ReadonlySet<string>;
  /** One lookup finds all series that an answer counts in. */
  readonly #answers = new Map<string, AnswerSeries>();
  /** Most answers count where the one before did: comparing costs less than to look for it by a text. */
  #lastAnswer: { answer: SeriesLabels; series: AnswerSeries } | null = null;
  readonly #models = new Map<string, ModelSeries>();
  #gauges: Gauges | null = null;

  constructor({ version, dyno, endpoints }: MetricsOptions) {
    this.#registry.setDefaultLabels({ dyno });
    this.#endpoints = new Set(endpoints);
    this.#is = createInstruments(this.#registry);
    // Series begin at 0, so that the first event shows as an increase.
    for (const code of Object.keys(errorTable)) this.#is.refusals.of(code);
    this.#is.storeErrors.of();
    this.#is.endUserEvictions.of();
    for (const outcome of deliveryOutcomes) this.#is.webhookDeliveries.of(outcome);
    for (const stream of ['entries', 'refusals', 'audit']) this.#is.recordsMissed.of(stream);
    this.#is.buildInfo.labels(version, process.version).set(1);
    collectDefaultMetrics({ register: this.#registry });
  }

  /** `limit` such as `tokens/day`, `level` in percent. */
  limitReached({ scope, limit, level }: { scope: string; limit: string; level: number }): void {
    this.#is.limitsReached.of(scope, limit, String(level)).add();
  }

  /** Counters of end users were dropped to make room. */
  endUsersEvicted(counters: number): void {
    this.#is.endUserEvictions.of().add(counters);
  }

  refused(code: ErrorCode): void {
    this.#is.refusals.of(code).add();
  }

  /** A request was refused because of a limit. */
  refusedByLimit({ team, scope, limit }: { team: string; scope: string; limit: string }): void {
    this.#is.limitRefusals.of(team, scope, limit).add();
  }

  /** A request was admitted although an observe-only limit had no room for it. */
  wouldRefuse({ team, scope, limit }: { team: string; scope: string; limit: string }): void {
    this.#is.wouldRefuse.of(team, scope, limit).add();
  }

  /** What a settled request cost. */
  paid(team: string, model: string, nanoUsd: number): void {
    if (nanoUsd > 0) this.#is.cost.of(team, model).add(nanoUsd / nanoUsdPerUsd);
  }

  answered(answer: Answer): void {
    const series = this.#answerSeries(answer);
    series.requests.add();
    series.seconds.observe(answer.durationMs / 1000);
    if (answer.ttfbMs !== null) series.firstByteSeconds.observe(answer.ttfbMs / 1000);
    if (answer.model === null) return;
    for (const { field, tally } of this.#modelSeries(answer.model)) {
      if (answer.figures[field] > 0) tally.add(answer.figures[field]);
    }
  }

  /** `status` null: no answer came. */
  upstreamAnswered(call: { attachment: string; status: number | null; durationMs: number }): void {
    const status = call.status === null ? 'none' : statusLabel(call.status);
    this.#is.upstreamSeconds.of(call.attachment, status).observe(call.durationMs / 1000);
  }

  /** `cause`: why another attempt was made. */
  attemptGivenUp(attachment: string, cause: string): void {
    this.#is.attemptsGivenUp.of(attachment, cause).add();
  }

  storeAnswered(call: { operation: string; durationMs: number; ok: boolean }): void {
    this.#is.storeSeconds.of(call.operation).observe(call.durationMs / 1000);
    if (!call.ok) this.#is.storeErrors.of().add();
  }

  /** Elements of a stream were gone before they were in Postgres. */
  recordsMissed(stream: string, missing: number): void {
    this.#is.recordsMissed.of(stream).add(missing);
  }

  /** So many spans, or pushes of metrics, did not reach the collector. */
  telemetryDropped(signal: string, reason: string, amount: number): void {
    this.#is.telemetryDropped.of(signal, reason).add(amount);
  }

  /** Events were sent to a webhook, or it was disabled. */
  deliveryEnded(outcome: DeliveryOutcome, events: number): void {
    this.#is.webhookDeliveries.of(outcome).add(events);
  }

  /** Sets the functions that each scrape reads the gauges from. */
  watch(gauges: Gauges): void {
    this.#gauges = gauges;
  }

  async text(): Promise<MetricsText> {
    await this.#readGauges();
    return { contentType: this.#registry.contentType, body: await this.#registry.metrics() };
  }

  async snapshot(): Promise<MetricsSnapshot> {
    await this.#readGauges();
    return this.#registry.getMetricsAsJSON();
  }

  async #readGauges(): Promise<void> {
    if (!this.#gauges) return;
    const { ledgerPending, openRequests, openStreams, waiting, attachments, limits, store, records } =
      this.#gauges;
    const webhooks = this.#gauges.webhooks();
    this.#is.webhookPending.set(webhooks?.pending ?? 0);
    this.#is.webhooksDisabled.set(webhooks?.disabled ?? 0);
    this.#is.ledgerPending.set(ledgerPending());
    this.#is.openRequests.set(openRequests());
    this.#is.openStreams.set(openStreams());
    this.#is.waiting.set(waiting());
    for (const { attachment, isOpen } of attachments()) {
      this.#is.resting.labels(attachment).set(isOpen ? 1 : 0);
    }
    const [uses, extent, kept] = await Promise.all([inTime(limits()), inTime(store()), inTime(records())]);
    if (uses) this.#showLimits(uses);
    this.#is.recordsOn.set(kept?.isOn ? 1 : 0);
    if (kept) this.#showRecords(kept);
    if (!extent) return;
    this.#is.storeUsedBytes.set(extent.usedBytes);
    this.#is.storeMaxBytes.set(extent.maxBytes);
    this.#is.ledgerEntries.set(extent.entries);
    this.#is.ledgerOldest.set((extent.oldestAtMs ?? 0) / 1000);
  }

  /** Limits that nobody used lately have no series any more. */
  #showLimits(uses: readonly LimitUse[]): void {
    this.#is.limitUsed.reset();
    this.#is.limitMax.reset();
    for (const { team, scope, limit, covers, used, max } of uses) {
      this.#is.limitUsed.labels(team, scope, limit, covers).set(used);
      this.#is.limitMax.labels(team, scope, limit, covers).set(max);
    }
  }

  #showRecords({ backlog, drainedAtMs }: RecordsExtent): void {
    for (const [stream, undrained] of Object.entries(backlog)) {
      this.#is.recordsBacklog.labels(stream).set(undrained);
    }
    this.#is.recordsDrained.set((drainedAtMs ?? 0) / 1000);
  }

  #answerSeries(answer: Answer): AnswerSeries {
    const { endpoint, status, outcome, stream } = answer;
    const last = this.#lastAnswer;
    if (last !== null && isSameSeries(last.answer, answer)) return last.series;
    const series = this.#seriesOf({ endpoint, status, outcome, stream });
    this.#lastAnswer = { answer: { endpoint, status, outcome, stream }, series };
    return series;
  }

  #seriesOf({ endpoint, status, outcome, stream }: SeriesLabels): AnswerSeries {
    const path = this.#endpoints.has(endpoint) ? endpoint : 'other';
    const key = `${path} ${status} ${outcome} ${stream}`;
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    const is = this.#is;
    const series = {
      requests: is.requests.of(path, statusLabel(status), outcome),
      seconds: is.requestSeconds.of(path),
      firstByteSeconds: is.firstByteSeconds.of(path, String(stream)),
    };
    this.#answers.set(key, series);
    return series;
  }

  #modelSeries(name: string): ModelSeries {
    const known = this.#models.get(name);
    if (known !== undefined) return known;
    if (this.#models.size >= maxModels && name !== otherModels) return this.#modelSeries(otherModels);
    const series = figures.flatMap(({ field, counter }) =>
      counter === null ? [] : { field, tally: this.#tallyOf(counter, name) },
    );
    this.#models.set(name, series);
    return series;
  }

  #tallyOf(counter: NonNullable<(typeof figures)[number]['counter']>, model: string): Tally {
    switch (counter.family) {
      case 'tokens':
        return this.#is.tokens.of(counter.direction, model);
      case 'cached_tokens':
        return this.#is.cachedTokens.of(counter.direction, model);
      case 'images':
        return this.#is.images.of(model);
    }
  }
}

function isSameSeries(a: SeriesLabels, b: SeriesLabels): boolean {
  return (
    a.endpoint === b.endpoint && a.status === b.status && a.outcome === b.outcome && a.stream === b.stream
  );
}

/** What the store says, unless it takes too long. */
function inTime<T>(reading: Promise<T>): Promise<T | null> {
  return Promise.race([reading, sleep(storePatienceMs, null, { ref: false })]);
}

function statusLabel(status: number): string {
  return Number.isInteger(status) && status >= 100 && status <= 599 ? String(status) : 'other';
}

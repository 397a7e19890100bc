import { dayMs } from '../base/days.ts';
import type { Clock } from '../base/clock.ts';
import { isReady } from './ready.ts';
import { makeDemoToken } from './walkthrough.ts';

/*
 * A month of made-up requests, so that the console's charts show something. The demo's clock begins a month ago and goes
 * forward a day at a time; the requests are real ones to the stand-in, and everything that is recorded of them is what
 * the gateway records.
 */

const days = 30;
/** Requests under way at a time. */
const atOnce = 6;
const hourMs = 3_600_000;

/** A clock that can be set back. Durations are those of the clock below. */
export class TravelClock implements Clock {
  readonly #clock: Clock;
  #offsetMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now() + this.#offsetMs;
  }

  monotonic(): number {
    return this.#clock.monotonic();
  }

  /** So many ms before the clock below. */
  setBack(ms: number): void {
    this.#offsetMs = -ms;
  }
}

interface HistoryOptions {
  url: string;
  adminKey: string;
  clock: TravelClock;
}

interface Person {
  team: string;
  user: string;
  token: string;
  /** Requests on an ordinary day. */
  daily: number;
  models: readonly string[];
}

const people: readonly Omit<Person, 'token'>[] = [
  { team: 'made-up-web', user: 'mira', daily: 7, models: ['claude-4-5-haiku', 'claude-4-5-sonnet'] },
  { team: 'made-up-web', user: 'jonas', daily: 4, models: ['claude-4-5-haiku'] },
  { team: 'made-up-data', user: 'priya', daily: 6, models: ['nova-pro', 'claude-4-5-sonnet'] },
  { team: 'made-up-data', user: 'sam', daily: 3, models: ['nova-pro', 'claude-3-5-haiku'] },
  { team: 'made-up-ops', user: 'lea', daily: 3, models: ['claude-4-sonnet'] },
];

const demoPerson = {
  team: 'demo',
  user: 'ana',
  daily: 4,
  models: ['claude-4-5-haiku', 'claude-4-5-sonnet', 'nova-pro'],
};

const teams = [
  { id: 'made-up-web', name: 'Website (made up)', limits: [{ metric: 'cost_usd', window: 'month', max: 2 }] },
  { id: 'made-up-data', name: 'Data (made up)', limits: [{ metric: 'tokens', window: 'day', max: 20_000 }] },
  {
    id: 'made-up-ops',
    name: 'Operations (made up)',
    limits: [{ metric: 'requests', window: 'day', max: 3 }],
  },
];

/** What the models cost in the demo; Heroku's prices are not published. */
const prices: readonly (readonly [model: string, input: number, output: number])[] = [
  ['claude-4-5-haiku', 1, 5],
  ['claude-4-5-sonnet', 3, 15],
  ['claude-4-sonnet', 3, 15],
  ['claude-3-5-haiku', 0.8, 4],
  ['nova-pro', 0.8, 3.2],
];

const questions = [
  'Summarise this ticket in two sentences.',
  'Write a friendly answer to a customer whose parcel is late, and offer two ways to go on from here.',
  'Which of these log lines are errors, and what do they have in common?',
  'Translate the release notes into French, with the headings as they are.',
  'Explain to a new colleague how our deploys work, step by step, with what to look at if one fails.',
];

/**
 * Makes it, with the token of the demo among those who asked. Gives that token's text. The clock stands at the present
 * again when it resolves.
 */
export async function makeHistory({ url, adminKey, clock }: HistoryOptions): Promise<string> {
  const startMs = clock.now();
  const send = sender(url);
  try {
    clock.setBack(days * dayMs);
    await settled(url);
    const token = await makeDemoToken({ url, adminKey });
    const made = [...(await makePeople(send, adminKey)), { ...demoPerson, token }];
    const chance = pseudoRandom(20_261_130);
    for (let day = days; day > 0; day -= 1) {
      // At ten in the morning, UTC, of each day.
      const wantedMs = Math.floor(startMs / dayMs) * dayMs - day * dayMs + 10 * hourMs;
      clock.setBack(startMs - wantedMs);
      await settled(url);
      await inParts(requestsOf(new Date(wantedMs), made, chance), (each) =>
        send('/v1/chat/completions', each),
      );
    }
    return token;
  } finally {
    clock.setBack(0);
    await settled(url);
  }
}

interface Sent {
  credential: string;
  body: object;
  method?: string;
}

function sender(url: string) {
  return async function send(path: string, { credential, body, method = 'POST' }: Sent): Promise<unknown> {
    const headers = { authorization: `Bearer ${credential}`, 'content-type': 'application/json' };
    const response = await fetch(url + path, { method, headers, body: JSON.stringify(body) });
    return response.json();
  };
}

async function makePeople(send: ReturnType<typeof sender>, credential: string): Promise<Person[]> {
  for (const [model, input, output] of prices) {
    const price = { usd_per_million_input_tokens: input, usd_per_million_output_tokens: output };
    await send(`/admin/prices/${model}`, { credential, method: 'PUT', body: { prices: [price] } });
  }
  for (const team of teams) await send('/admin/teams', { credential, body: team });
  const made: Person[] = [];
  for (const person of people) {
    const { team, user } = person;
    await send(`/admin/teams/${team}/users`, { credential, body: { id: user, name: `${user} (made up)` } });
    const body = { user, name: 'made up', models: person.models };
    const issued = (await send(`/admin/teams/${team}/tokens`, { credential, body })) as { token: string }; // the admin API's
    made.push({ ...person, token: issued.token });
  }
  return made;
}

/** What everybody asks on a day: less at weekends, and now and then for a model that is refused. */
function requestsOf(day: Date, made: readonly Person[], chance: () => number): Sent[] {
  const isWeekend = day.getUTCDay() % 6 === 0;
  return made.flatMap(({ token: credential, daily, models }) => {
    const count = Math.round(daily * (isWeekend ? 0.3 : 1) * (0.5 + chance()));
    return Array.from({ length: count }, (): Sent => {
      const model = chance() < 0.03 ? 'claude-3-7-sonnet' : pick(models, chance());
      const content = pick(questions, chance()).repeat(1 + Math.floor(chance() * 8));
      return { credential, body: { model, max_tokens: 400, messages: [{ role: 'user', content }] } };
    });
  });
}

function pick<T>(list: readonly T[], at: number): T {
  return list[Math.floor(at * list.length)] as T; // at is below 1, and no list is empty
}

/** The same numbers from 0 to 1 in every demo (Park and Miller's generator). */
function pseudoRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

async function inParts<T>(all: readonly T[], run: (each: T) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < all.length; at += atOnce) await Promise.all(all.slice(at, at + atOnce).map(run));
}

/** Resolves when the gateway counts by the time that the clock has now. */
async function settled(url: string): Promise<void> {
  if (!(await isReady(url))) throw new Error('The gateway of the demo does not become ready.');
}

import { randomBytes } from 'node:crypto';
import { mkdtemp, mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Limit } from '../src/base/limit.ts';
import { freePort } from '../test/support/free-port.ts';
import { administrationOf } from '../test/support/gateway.ts';
import { startRedis, type RedisServer } from '../test/support/redis-server.ts';
import { compiledAhead } from '../test/support/spawn-gateway.ts';
import { imageModel, model, shortAnswer } from './bodies.ts';
import type { InstructionCounter } from './instructions/counter.ts';
import { onPath } from './peers.ts';
import { type Program, type Running, startProgram } from './processes.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const portkeyServer = fileURLToPath(
  new URL('node_modules/@portkey-ai/gateway/build/start-server.js', import.meta.url),
);
/** The administrator key of every gateway here. */
export const adminKey = randomBytes(24).toString('hex');

/** Something that answers a chat completion. */
export interface Target {
  name: string;
  url: string;
  /** Whose CPU and memory are measured. */
  pid: number;
  headers: Readonly<Record<string, string>>;
  /** The instructions it runs while this work is done. A site without a counter gives NaN. */
  instructionsDuring(work: () => Promise<void>): Promise<number>;
}

/** Three, as a team has: on tokens, requests of the team, and requests of the token. */
export const usualLimits: { team: Limit[]; token: Limit[] } = {
  team: [
    { metric: 'tokens', window: 'day', max: 1_000_000_000 },
    { metric: 'requests', window: 'month', max: 1_000_000_000 },
  ],
  token: [{ metric: 'requests', window: 'minute', max: 100_000_000 }],
};

/** Everything a case needs, started when it asks, stopped together. */
export class Site {
  readonly redis: RedisServer;
  readonly directory: string;
  /** What is measured is started so that this counts it; null: as usual. */
  readonly #counter: InstructionCounter | null;
  readonly #running: Running[] = [];

  private constructor(redis: RedisServer, directory: string, counter: InstructionCounter | null) {
    this.redis = redis;
    this.directory = directory;
    this.#counter = counter;
  }

  static async start(counter: InstructionCounter | null = null): Promise<Site> {
    return new Site(await startRedis(), await mkdtemp(join(tmpdir(), 'tollgate-bench-')), counter);
  }

  async close(): Promise<void> {
    for (const running of this.#running.splice(0).toReversed()) await running.stop();
    await this.redis.stop();
  }

  /** The upstream of canned answers: nginx, which takes the least CPU from what is measured, or Node. */
  async cannedUpstream(): Promise<Target> {
    if (!onPath('nginx')) return this.upstream();
    const location = `location / { default_type application/json; return 200 '${shortAnswer}'; }`;
    return this.#nginx('upstream', location);
  }

  /** The upstream that streams, and answers with images. */
  async upstream({ everyMs = 10 } = {}): Promise<Target> {
    const port = await freePort();
    return this.#add('upstream', this.#node(port, 'bench/upstream.ts', String(port), String(everyMs)));
  }

  async bare(upstream: Target): Promise<Target> {
    const port = await freePort();
    return this.#counted('bare', this.#node(port, 'bench/bare.ts', String(port), upstream.url));
  }

  async nginx(upstream: Target): Promise<Target> {
    const address = upstream.url.replace('http://', '');
    const location =
      'location / { proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; }';
    return this.#nginx('nginx', location, `upstream up { server ${address}; keepalive 256; }`);
  }

  async portkey(upstream: Target): Promise<Target> {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const target = await this.#add('portkey', {
      command: process.execPath,
      args: [portkeyServer, '--headless', `--port=${port}`],
      url,
    });
    const custom = { 'x-portkey-provider': 'openai', 'x-portkey-custom-host': `${upstream.url}/v1` };
    return { ...target, headers: { ...custom, authorization: 'Bearer x' } };
  }

  /** This gateway with everything on: Redis, a token, limits, ledger, metrics, a log to a file. */
  async tollgate(upstream: Target, { limits = usualLimits, env = {} } = {}): Promise<Target> {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const target = await this.#counted('tollgate', {
      command: process.execPath,
      args: [join(root, 'src/main.ts')],
      env: {
        ...compiledAhead,
        NODE_ENV: 'production',
        PORT: String(port),
        HOST: '127.0.0.1',
        ADMIN_KEY: adminKey,
        REDIS_URL: this.redis.url,
        ...attachment('INFERENCE', upstream, model),
        ...attachment('DIFFUSION', upstream, imageModel),
        ...env,
      },
      logFile: join(this.directory, 'tollgate.log'),
      url,
      readyPath: '/readyz',
    });
    const administration = administrationOf(url, adminKey);
    const { text } = await administration.issue({ team: { limits: limits.team }, limits: limits.token });
    return { ...target, headers: { authorization: `Bearer ${text}` } };
  }

  #node(port: number, file: string, ...args: readonly string[]): Program {
    return {
      command: process.execPath,
      args: [join(root, file), ...args],
      env: compiledAhead,
      url: `http://127.0.0.1:${port}`,
    };
  }

  async #nginx(name: string, location: string, more = ''): Promise<Target> {
    const port = await freePort();
    const directory = join(this.directory, `nginx-${port}`);
    await mkdir(directory);
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (kind) => `${kind}_temp_path ${directory};`,
    );
    await writeFile(
      join(directory, 'nginx.conf'),
      `worker_processes 1; daemon off; master_process off; pid ${directory}/pid; error_log ${directory}/error;
       events { worker_connections 8192; }
       http { access_log off; keepalive_requests 100000000; client_max_body_size 20m; client_body_buffer_size 1m;
         ${temporary.join(' ')} ${more}
         server { listen 127.0.0.1:${port} backlog=4096; ${location} } }`,
    );
    const url = `http://127.0.0.1:${port}`;
    const args = ['-c', join(directory, 'nginx.conf'), '-e', join(directory, 'error')];
    return this.#add(name, { command: 'nginx', args, url });
  }

  /** Starts a program so that its instructions can be counted, if this site is for that. */
  async #counted(name: string, program: Program): Promise<Target> {
    const countable = this.#counter?.countable(program.command, program.args);
    if (!countable) return this.#add(name, program);
    const { command, args } = countable;
    const target = await this.#add(name, { ...program, command, args });
    return { ...target, instructionsDuring: (work) => countable.during(target.pid, work) };
  }

  async #add(name: string, program: Program): Promise<Target> {
    const running = await startProgram(program);
    this.#running.push(running);
    const instructionsDuring = async (work: () => Promise<void>): Promise<number> => {
      await work();
      return Number.NaN;
    };
    return { name, url: program.url, pid: running.pid, headers: {}, instructionsDuring };
  }
}

function attachment(name: string, { url }: Target, modelId: string): Record<string, string> {
  return {
    [`${name}_URL`]: url,
    [`${name}_KEY`]: 'inf-00000000-0000-4000-8000-000000000000',
    [`${name}_MODEL_ID`]: modelId,
  };
}

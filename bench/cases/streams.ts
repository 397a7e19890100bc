import { chatPath, chunksPerStream, messagesPath, streamedChat } from '../bodies.ts';
import { columns } from '../columns.ts';
import { instructionsPerChunk } from '../instructions/counting.ts';
import { cpuMs } from '../processes.ts';
import { median } from '../report.ts';
import { Site } from '../site.ts';
import { streamLoad } from '../stream-load.ts';
import type { Case } from './case.ts';

const atOnce = 200;
/** For the first byte: few enough that the machine is idle nearly all the time. */
const fewAtOnce = 5;

/**
 * For counting instructions, under an emulator perhaps: a pace at which it keeps up. If it did not, several chunks would
 * be read at once, which costs less than reality.
 */
const counted = { everyMs: 20, atOnce: 40, requests: 80 };

/** Streams of 100 chunks, one every 10 ms, 200 at once. */
export const streams: Case = (effort) => measured(chatPath, 'Streams', effort);

/** The same in Anthropic's shape: one body is valid for both. */
export const messagesStreams: Case = (effort) => measured(messagesPath, 'Streams of /v1/messages', effort);

async function measured(path: string, name: string, effort: Parameters<Case>[0]): ReturnType<Case> {
  const { rounds, seconds } = effort;
  const site = await Site.start();
  try {
    const upstream = await site.upstream();
    const targets = [await site.bare(upstream), await site.tollgate(upstream)];
    const all = [upstream, ...targets];
    const cpu = new Map<string, number[]>();
    const firstByte = new Map<string, number[]>();
    for (let round = -1; round < rounds; round += 1) {
      for (const target of all) {
        const before = await cpuMs(target.pid);
        const streamed = await streamLoad({ target, path, body: streamedChat, atOnce, seconds });
        const usedMs = (await cpuMs(target.pid)) - before;
        const { firstByteMs } = await streamLoad({
          target,
          path,
          body: streamedChat,
          atOnce: fewAtOnce,
          seconds,
        });
        if (round < 0) continue; // warm-up
        const chunks = streamed.streams * (chunksPerStream + 1);
        cpu.set(target.name, [...(cpu.get(target.name) ?? []), (usedMs * 1_000) / chunks]);
        firstByte.set(target.name, [...(firstByte.get(target.name) ?? []), firstByteMs]);
      }
    }
    const instructions = await instructionsPerChunk({
      ...effort,
      ...counted,
      path,
      body: streamedChat,
      upstream: (other) => other.upstream(counted),
    });
    const thousand = (target: string): number => (instructions.get(target) ?? Number.NaN) / 1_000;
    const of = (figures: ReadonlyMap<string, number[]>, target: string): number =>
      median(figures.get(target) ?? []);
    return {
      title: `${name}, ${chunksPerStream} chunks every 10 ms, ${atOnce} at once`,
      columns: [
        'CPU µs a chunk',
        columns.cpuTimesBare,
        'thousand instructions',
        columns.instructionsTimesBare,
        'first byte ms',
        columns.firstByteAdded,
      ],
      rows: targets.map(({ name: target }) => ({
        name: target,
        figures: [
          of(cpu, target),
          of(cpu, target) / of(cpu, 'bare'),
          thousand(target),
          thousand(target) / thousand('bare'),
          of(firstByte, target),
          of(firstByte, target) - of(firstByte, 'upstream'),
        ],
      })),
    };
  } finally {
    await site.close();
  }
}

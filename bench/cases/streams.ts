import { chunksPerStream, streamedChat } from '../bodies.ts';
import { cpuMs } from '../processes.ts';
import { median } from '../report.ts';
import { Site } from '../site.ts';
import { streamLoad } from '../stream-load.ts';
import type { Case } from './case.ts';

const atOnce = 200;
/** For the first byte: few enough that the reader of them is not what is measured. */
const fewAtOnce = 30;

/** Streams of 100 chunks, one every 10 ms, 200 at once. */
export const streams: Case = async ({ rounds, seconds }) => {
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
        const streamed = await streamLoad({ target, body: streamedChat, atOnce, seconds });
        const usedMs = (await cpuMs(target.pid)) - before;
        const { firstByteMs } = await streamLoad({ target, body: streamedChat, atOnce: fewAtOnce, seconds });
        if (round < 0) continue; // warm-up
        const chunks = streamed.streams * (chunksPerStream + 1);
        cpu.set(target.name, [...(cpu.get(target.name) ?? []), (usedMs * 1_000) / chunks]);
        firstByte.set(target.name, [...(firstByte.get(target.name) ?? []), firstByteMs]);
      }
    }
    const of = (figures: ReadonlyMap<string, number[]>, name: string): number =>
      median(figures.get(name) ?? []);
    return {
      title: `2. Streams, ${chunksPerStream} chunks every 10 ms, ${atOnce} at once`,
      columns: ['CPU µs a chunk', '× bare', 'first byte ms', 'added to direct'],
      rows: targets.map(({ name }) => ({
        name,
        figures: [
          of(cpu, name),
          of(cpu, name) / of(cpu, 'bare'),
          of(firstByte, name),
          of(firstByte, name) - of(firstByte, 'upstream'),
        ],
      })),
    };
  } finally {
    await site.close();
  }
};

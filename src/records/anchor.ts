import { entryResponse } from '../audit/chain.ts';
import { type Checkpoint, compareIds } from './checkpoint.ts';
import type { Anchor, DrainedStore, StreamRead } from './drained-store.ts';
import { fieldOf } from './drained-stream.ts';

/** How many drained entries of the audit trail stay in the store, and by how many more they may exceed that. */
const kept = 1_000;
const slack = 100;

/** The audit entry up to which the store's trail is trimmed; null if it is short enough. */
export async function anchorFor(
  store: Pick<DrainedStore, 'oldestAudit'>,
  seen: Pick<StreamRead, 'added' | 'length'>,
  drained: Checkpoint,
): Promise<Anchor | null> {
  const undrained = Math.max(0, seen.added - drained.added);
  const excess = seen.length - undrained - kept;
  if (excess < slack) return null;
  const oldest = await store.oldestAudit(Math.min(excess, kept));
  // Whoever altered an entry must not keep others from going; the chain goes on from one that can be read.
  for (const element of oldest.toReversed()) {
    const entry = entryResponse(fieldOf(element, 'e') ?? '', fieldOf(element, 'h') ?? '');
    const isAnchor = !('unreadable' in entry) && Number.isSafeInteger(entry.sequence);
    if (isAnchor && compareIds(element.id, drained.id) <= 0) {
      return { id: element.id, sequence: entry.sequence, hash: entry.hash };
    }
  }
  return null;
}

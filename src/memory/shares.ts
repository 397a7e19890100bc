/** Who holds memory or has calls under way; messages name it. */
export type HolderKind =
  'gateway' | 'team' | 'token' | 'session' | 'administrator' | 'address' | 'strangers' | 'stranger';

/** What a holder may have at once. */
export interface Share {
  kind: HolderKind;
  maxBytes: number;
  maxCalls: number;
  /** From here on only those below it get more who hold no more than `littleBytes`. */
  openToBytes: number;
  littleBytes: number;
}

/**
 * What each may have at once, as a part of all memory (`BODY_BUDGET_BYTES`) and of all connections (`MAX_CONNECTIONS`).
 * Together, the members of a team have the team's share. All that is not authenticated has a small budget of its own.
 */
const parts: Record<HolderKind, number> = {
  gateway: 1,
  address: 3 / 4,
  team: 1 / 2,
  token: 3 / 8,
  session: 1 / 4,
  administrator: 1 / 4,
  strangers: 1 / 16,
  stranger: 1 / 32,
};

/** Of each share, this part is left for those who hold little, and so little is it. */
const reservedPart = 1 / 8;
const littlePart = 1 / 64;

/** A few sign-ins, and a description that is not read. */
const strangersLeastBytes = 2 * 1_048_576;

export interface Bounds {
  /** `BODY_BUDGET_BYTES`. */
  maxBytes: number;
  /** The largest body of a known caller, and of an administrator: a share holds at least one. */
  maxBodyBytes: number;
  maxImportBytes: number;
  /** `MAX_CONNECTIONS`. */
  maxCalls: number;
}

export function shareOf(kind: HolderKind, bounds: Bounds): Share {
  const leastBytes = leastFor(kind, bounds);
  const maxBytes = Math.max(bounds.maxBytes * parts[kind], leastBytes);
  return {
    kind,
    maxBytes,
    maxCalls: Math.max(1, Math.floor(bounds.maxCalls * parts[kind])),
    openToBytes: Math.max(maxBytes * (1 - reservedPart), leastBytes),
    littleBytes: maxBytes * littlePart,
  };
}

/** One body must fit in any share; `BODY_BUDGET_BYTES` is at least that. */
function leastFor(kind: HolderKind, { maxBodyBytes, maxImportBytes }: Bounds): number {
  switch (kind) {
    case 'strangers':
    case 'stranger':
      return strangersLeastBytes;
    case 'administrator':
      return maxImportBytes;
    default:
      return maxBodyBytes;
  }
}

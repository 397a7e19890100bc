import { hash } from 'node:crypto';
import type { CompactJWSHeaderParameters } from 'jose';
import { invalidProof, proofAlgorithms, type ProofProblem } from './proof-problem.ts';

/** The public key of a proof, and what a session that is bound to it says of it. */
export interface ProofKey {
  algorithm: string;
  /** Only the members that make the key. */
  jwk: Readonly<Record<string, string>>;
  /** Its thumbprint: RFC 7638. */
  jkt: string;
}

/** Members of a private or a shared key: RFC 7518, 6. */
const secretMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

interface KeyType {
  kty: string;
  crv?: string;
  /** The members that make the key, with their lengths as base64url. */
  members: Readonly<Record<string, readonly [min: number, max: number]>>;
}

const p256: KeyType = { kty: 'EC', crv: 'P-256', members: { x: [43, 43], y: [43, 43] } };
const ed25519: KeyType = { kty: 'OKP', crv: 'Ed25519', members: { x: [43, 43] } };
/** 2,048 to 4,096 bits: a larger key would cost us more than its page. */
const rsa: KeyType = { kty: 'RSA', members: { e: [4, 6], n: [342, 683] } };

const keyTypes = new Map([
  ['ES256', p256],
  ['Ed25519', ed25519],
  ['EdDSA', ed25519],
  ['RS256', rsa],
  ['PS256', rsa],
]);

const base64url = /^[A-Za-z0-9_-]+$/;

/** The key in the header of a proof, or what is wrong with that header. Pure. */
export function proofKeyIn(header: CompactJWSHeaderParameters): ProofKey | ProofProblem {
  if (header.typ !== 'dpop+jwt') return invalidProof('its typ must be dpop+jwt');
  if (header.crit !== undefined) return invalidProof('it has a crit, and no extension is known here');
  const type = keyTypes.get(header.alg);
  if (type === undefined) return wrongAlgorithm();
  const { jwk } = header;
  if (typeof jwk !== 'object' || jwk === null) {
    return invalidProof('its header has no jwk: the public key of the page');
  }
  if (secretMembers.some((member) => Object.hasOwn(jwk, member))) {
    return invalidProof('its jwk has a private or a shared key; send the public members alone');
  }
  const { kty, crv, members } = type;
  if (jwk.kty !== kty || (crv !== undefined && jwk.crv !== crv)) {
    return invalidProof(`its jwk is no key for ${header.alg}`);
  }
  const given = new Map<string, unknown>(Object.entries(jwk));
  const own: Record<string, string> = crv === undefined ? { kty } : { crv, kty };
  for (const [member, [min, max]] of Object.entries(members)) {
    const text = given.get(member);
    if (typeof text !== 'string' || text.length < min || text.length > max || !base64url.test(text)) {
      return invalidProof(`the ${member} of its jwk is not that of a key for ${header.alg}`);
    }
    own[member] = text;
  }
  return { algorithm: header.alg, jwk: own, jkt: thumbprintOf(own) };
}

export function wrongAlgorithm(): ProofProblem {
  return invalidProof(`its alg must be one of ${proofAlgorithms.join(', ')}`);
}

/** RFC 7638: the members that make the key, in the order of their names. */
function thumbprintOf(jwk: Readonly<Record<string, string>>): string {
  const ordered = Object.entries(jwk).sort(([a], [b]) => (a < b ? -1 : 1));
  return hash('sha256', JSON.stringify(Object.fromEntries(ordered)), 'base64url');
}

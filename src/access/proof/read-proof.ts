import { compactVerify, errors } from 'jose';
import { isRecord, parsedJson, utf8Text } from '../../base/request.ts';
import { proofKeyIn, wrongAlgorithm } from './proof-key.ts';
import type { ProofKeys } from './proof-keys.ts';
import { invalidProof, isProblem, noProof, proofAlgorithms, type ProofProblem } from './proof-problem.ts';
import { addressesOf, isSameAddress } from './request-uri.ts';

/** A proof by an RSA key of 4,096 bits has 2.5 KB. */
const maxProofLength = 4_096;
const maxJtiLength = 256;

/** A request, as far as its proof says something of it. */
export interface ProvableRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: {
    readonly dpop?: string | string[] | undefined;
    readonly host?: string | undefined;
    readonly authorization?: string | undefined;
  };
}

/** A proof whose signature is right, for its request. What it says of time and token is not checked yet. */
export interface ReadProof {
  /** The thumbprint of its key. */
  jkt: string;
  jti: string;
  iat: unknown;
  ath: unknown;
  nonce: unknown;
}

interface ReadOptions {
  /** The only key it may be by; null: any. */
  jkt: string | null;
  keys: ProofKeys;
  publicUrls: readonly string[];
  onDyno: boolean;
}

/** The proof of a request: RFC 9449, 4.3. Signatures are checked by WebCrypto, off the main thread. */
export async function readProof(
  request: ProvableRequest,
  options: ReadOptions,
): Promise<ReadProof | ProofProblem> {
  const text = request.headers.dpop;
  if (text === undefined) return noProof;
  // Node joins headers that are repeated by commas.
  if (typeof text !== 'string' || text.includes(',')) {
    return invalidProof('there are several; send one DPoP header');
  }
  if (text.length > maxProofLength) return invalidProof(`it is longer than ${maxProofLength} characters`);
  const signed = await signedIn(text, options);
  return isProblem(signed) ? signed : claimsFor(request, signed, options);
}

interface Signed {
  jkt: string;
  payload: Uint8Array;
}

async function signedIn(text: string, { jkt, keys }: ReadOptions): Promise<Signed | ProofProblem> {
  let signer = '';
  const verifying = compactVerify(
    text,
    async (header) => {
      const key = proofKeyIn(header);
      if (isProblem(key)) throw new NotAccepted(key);
      if (jkt !== null && key.jkt !== jkt) throw new NotAccepted(invalidProof(otherKey));
      signer = key.jkt;
      const ready = await keys.ready(key, jkt !== null);
      if (ready === null) throw new NotAccepted(invalidProof('its jwk is no public key'));
      return ready;
    },
    { algorithms: [...proofAlgorithms] },
  );
  return verifying.then(({ payload }) => ({ jkt: signer, payload }), problemBehind);
}

function claimsFor(
  { method, url, headers }: ProvableRequest,
  { jkt, payload }: Signed,
  options: ReadOptions,
): ReadProof | ProofProblem {
  const claims = parsedJson(utf8Text(payload) ?? '');
  if (!isRecord(claims)) return invalidProof('its payload is no JSON object');
  const { jti, htm, htu, iat, ath, nonce } = claims;
  if (typeof jti !== 'string' || jti === '' || jti.length > maxJtiLength) {
    return invalidProof(`its jti must be a text of 1 to ${maxJtiLength} characters, new each time`);
  }
  if (htm !== method) return invalidProof(`its htm must be ${method ?? ''}, the method of the request`);
  const addresses = addressesOf({ target: url ?? '/', host: headers.host }, options);
  if (typeof htu !== 'string' || !addresses.some((address) => isSameAddress(htu, address))) {
    const expected = addresses.at(-1) ?? 'none, since it has no Host';
    return invalidProof(`its htu must be the address of the request, which is ${expected} here`);
  }
  return { jkt, jti, iat, ath, nonce };
}

const otherKey = 'it is by another key than the one that the session is bound to';

/** What jose is told when it asks for a key and there is none. */
class NotAccepted extends Error {
  readonly problem: ProofProblem;

  constructor(problem: ProofProblem) {
    super(problem.message);
    this.problem = problem;
  }
}

/** `error`: what jose threw. */
function problemBehind(error: unknown): ProofProblem {
  if (error instanceof NotAccepted) return error.problem;
  if (error instanceof errors.JOSEAlgNotAllowed) return wrongAlgorithm();
  if (error instanceof errors.JOSENotSupported) return invalidProof('it has a crit that is not known here');
  if (error instanceof errors.JWSSignatureVerificationFailed) return invalidProof('its signature is wrong');
  if (error instanceof errors.JOSEError) return invalidProof('it is no compact JWS (RFC 7515)');
  throw error;
}

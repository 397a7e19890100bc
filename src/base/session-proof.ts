/**
 * What a token asks of its sessions, each more than the one before (RFC 9449). `required`: each is bound to a key of its
 * page. `nonce`: and each proof has a nonce of the gateway's. `once`: and each proof works once.
 */
export const sessionProofs = ['required', 'nonce', 'once'] as const;
export type SessionProof = (typeof sessionProofs)[number];

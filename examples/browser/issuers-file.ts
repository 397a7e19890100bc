export interface IssuersFileOptions {
  issuer: string;
  clientId: string;
  /** The pages'. */
  origins: string[];
  team: string;
}

/** The text of an ISSUERS_FILE for the example's provider: everyone it signs in becomes a user of the team. */
export function issuersFile({ issuer, clientId, origins, team }: IssuersFileOptions): string {
  const session = {
    origins,
    expires_in: 300,
    limits: [{ metric: 'requests', window: 'minute', max: 20 }],
    pinned: { model: 'claude-4-5-haiku', max_tokens: 200 },
  };
  const entry = {
    issuer,
    audience: clientId,
    public: false,
    team,
    users: 'create',
    session_proof: 'nonce',
    session,
  };
  return JSON.stringify({ issuers: [entry] }, null, 2);
}

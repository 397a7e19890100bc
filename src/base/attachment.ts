/** A Heroku inference attachment: a key, its URL, and its model. */
export interface Attachment {
  readonly name: string;
  /** Origin and base path, without `/v1` and without a trailing slash. */
  readonly baseUrl: string;
  readonly key: string;
  /** The one model of a per-model plan; null on plans that serve every model. */
  readonly modelId: string | null;
}

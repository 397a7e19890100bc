/** A way to an admin API: over HTTP, or one made in this process on the gateway's Redis. */
export interface Connection {
  send(path: string, init: RequestInit): Promise<Response>;
  close(): void;
}

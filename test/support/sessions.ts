import { errorOf, post, read, type Reply } from './gateway-client.ts';

/** A session as `POST /v1/sessions` answers it. */
export interface MintedSession {
  id: string;
  token: string;
  expires_in: number;
  expires_at: string;
  [field: string]: unknown;
}

/** Asks for a session, whatever the answer. */
export function askSession(url: string, token: string, wanted: object | string = {}): Promise<Reply> {
  return post(`${url}/v1/sessions`, wanted, { token });
}

/** Makes a session; throws where it is refused. */
export async function mintSession(url: string, token: string, wanted: object = {}): Promise<MintedSession> {
  const reply = await askSession(url, token, wanted);
  if (reply.status !== 201) throw new Error(`${reply.status} ${errorOf(reply).message}`);
  return reply.json as MintedSession;
}

/** Ends this session, or with `?all=true` all of a token's. */
export async function endSessions(url: string, token: string, query = ''): Promise<Reply> {
  return read(
    await fetch(`${url}/v1/sessions${query}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${token}` },
    }),
  );
}

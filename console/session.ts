import { createContext } from 'preact';
import { useContext } from 'preact/hooks';

/** Who is signed in, as the gateway tells it. What one may do, the gateway decides; this only chooses what to show. */
export interface Session {
  kind: 'root' | 'administrator' | 'token';
  id: string;
  name: string | null;
  role: 'root' | 'admin' | 'team-admin' | 'auditor' | 'holder';
  teams: string[] | null;
  team: string | null;
  user: string | null;
  opened_at: string;
  ends_at: string;
  idle_s: number;
}

/** What the page knew when it was opened. */
export interface Boot {
  session: Session | null;
  version: string;
  problem: string | null;
  /** Another site led here, so it is not known yet who is signed in. */
  isFromElsewhere: boolean;
  /** The OpenID providers that one may sign in with. */
  issuers: readonly { label: string; href: string }[];
}

const SessionContext = createContext<Session | null>(null);
export const SessionProvider = SessionContext.Provider;

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === null) throw new TypeError('A view is shown to those who are signed in.');
  return session;
}

/** Whether to show what changes teams and the gateway. */
export function mayChangeGateway({ role }: Session): boolean {
  return role === 'root' || role === 'admin';
}

/** Whether to show what changes the members of a team. */
export function mayChangeMembers(session: Session, team: string): boolean {
  return (
    mayChangeGateway(session) || (session.role === 'team-admin' && (session.teams?.includes(team) ?? false))
  );
}

/** Whether to show what covers all teams at once. */
export function mayReadGateway({ role, teams }: Session): boolean {
  return role === 'root' || (teams === null && (role === 'admin' || role === 'auditor'));
}

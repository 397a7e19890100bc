import type { Authenticator } from '../access/authenticator.ts';
import type { ActorCheck } from '../access/actor-check.ts';
import type { Route as AdminRoute } from '../admin/respond.ts';
import type { Clock } from '../base/clock.ts';
import type { Answers } from '../edge/answers.ts';
import { FrontDoor, type FrontDoorParts } from '../edge/front-door.ts';
import type { Route } from '../edge/route.ts';
import { ConsoleSessions, type ConsoleSessionsParts } from './console-sessions.ts';
import { rootHolder } from './holder.ts';
import { consoleLinkRoute } from './link-route.ts';
import type { ConsoleLinks } from './links.ts';
import type { Log } from '../observability/log.ts';
import type { SessionMinter } from '../sessions/minter.ts';
import { OidcClient, type OidcClientDeps } from './oidc-client.ts';
import { OidcHolders, type OidcHoldersDeps } from './oidc-holders.ts';
import { oidcRoutes } from './oidc-routes.ts';
import { apiPrefix, sessionActor, sessionCaller } from './own-routes.ts';
import { consolePageRoutes } from './page-routes.ts';
import { personMinter } from './person-minter.ts';
import { consoleSessionRoutes } from './session-routes.ts';
import type { ConsoleSessionStore } from './session-store.ts';
import { SignInCookie } from './sign-in-cookie.ts';
import type { HourlySecrets } from '../store/hourly-secrets.ts';

interface ConsoleParts extends Omit<ConsoleSessionsParts, 'store' | 'oidc'>, OidcHoldersDeps, OidcClientDeps {
  sessionStore: ConsoleSessionStore;
  signInKeys: HourlySecrets;
  links: ConsoleLinks;
  authenticator: Authenticator;
  /** What the data plane's front door is made of. */
  atTheDoor: FrontDoorParts;
  answers: Answers;
  minter: Pick<SessionMinter, 'mint'>;
  clock: Clock;
  log: Pick<Log, 'info' | 'warn'>;
  origin: (host: string | undefined) => string;
}

/** The console: its own routes, and how the routes of `/admin` and `/v1` know who is signed in to it. */
export interface Console {
  routes: Route[];
  linkRoute: AdminRoute;
  /** In place of `Authorization`, for the admin API. */
  authorize: ActorCheck;
  /** The same for the routes of a token's holder. */
  frontDoor: FrontDoor;
  minter: Pick<SessionMinter, 'mint'>;
}

export function consoleOf({ sessionStore: store, ...parts }: ConsoleParts): Console {
  const { authenticator, atTheDoor, answers, links, origin, issuers, signInKeys, clock } = parts;
  const holders = new OidcHolders(parts);
  const sessions = new ConsoleSessions({ ...parts, store, oidc: holders });
  const clients = issuers.flatMap((issuer) =>
    issuer.console ? [new OidcClient(issuer, issuer.console, parts)] : [],
  );
  const cookie = new SignInCookie(signInKeys, clock);
  const frontDoor = new FrontDoor({ ...atTheDoor, authenticator: sessionCaller(sessions, authenticator) });
  return {
    routes: [
      ...consolePageRoutes({ sessions, answers, clients }),
      ...oidcRoutes({ ...parts, clients, cookie, holders, sessions }),
      ...consoleSessionRoutes({ ...parts, sessions, store, frontDoor }),
    ],
    linkRoute: consoleLinkRoute({ links, root: (key) => rootHolder(key, parts), origin }),
    authorize: sessionActor(sessions),
    frontDoor,
    minter: personMinter(parts),
  };
}

/** Every route of the console but the admin API; `holders` are those of a token's holder, as `/v1` has them. */
export function consoleRoutes({ routes }: Console, holders: readonly Route[]): Route[] {
  return [...routes, ...holders.filter(isPlain).map((route) => ({ ...route, path: apiPrefix + route.path }))];
}

/** Of `/v1`, and without a parameter: a handler reads that out of the path as it knows it. */
function isPlain({ path }: Route): boolean {
  return path.startsWith('/v1/') && !path.includes(':');
}

import type { Authenticator } from '../access/authenticator.ts';
import type { ActorCheck } from '../access/actor-check.ts';
import type { Route as AdminRoute } from '../admin/respond.ts';
import type { Answers } from '../edge/answers.ts';
import { FrontDoor, type FrontDoorParts } from '../edge/front-door.ts';
import type { Route } from '../edge/route.ts';
import { ConsoleSessions, type ConsoleSessionsParts } from './console-sessions.ts';
import { rootHolder } from './holder.ts';
import { consoleLinkRoute } from './link-route.ts';
import type { ConsoleLinks } from './links.ts';
import { apiPrefix, sessionActor, sessionCaller } from './own-routes.ts';
import { consolePageRoutes } from './page-routes.ts';
import { consoleSessionRoutes } from './session-routes.ts';
import type { ConsoleSessionStore } from './session-store.ts';

interface ConsoleParts extends Omit<ConsoleSessionsParts, 'store'> {
  sessionStore: ConsoleSessionStore;
  links: ConsoleLinks;
  authenticator: Authenticator;
  /** What the data plane's front door is made of. */
  atTheDoor: FrontDoorParts;
  answers: Answers;
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
}

export function consoleOf({ sessionStore: store, ...parts }: ConsoleParts): Console {
  const { authenticator, atTheDoor, answers, links, origin } = parts;
  const sessions = new ConsoleSessions({ ...parts, store });
  const frontDoor = new FrontDoor({ ...atTheDoor, authenticator: sessionCaller(sessions, authenticator) });
  return {
    routes: [
      ...consolePageRoutes({ sessions, answers }),
      ...consoleSessionRoutes({ sessions, store, links, frontDoor, answers }),
    ],
    linkRoute: consoleLinkRoute({ links, root: rootHolder(parts.adminKey), origin }),
    authorize: sessionActor(sessions),
    frontDoor,
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

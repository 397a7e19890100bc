import { backupRoutes } from './backup-routes.ts';
import type { AdminDeps } from './deps.ts';
import { reportRoutes } from './report-routes.ts';
import type { Route } from './respond.ts';
import { administratorRoutes, settingsRoutes } from './gateway-routes.ts';
import { teamRoutes, userRoutes } from './team-routes.ts';
import { tokenRoutes } from './token-routes.ts';

/** Every route of the admin API, with what each of its operations needs. */
export function adminRoutes(deps: AdminDeps): Route[] {
  return [
    ...teamRoutes(deps),
    ...userRoutes(deps),
    ...tokenRoutes(deps),
    ...settingsRoutes(deps),
    ...reportRoutes(deps),
    ...administratorRoutes(deps),
    ...backupRoutes(deps),
  ];
}

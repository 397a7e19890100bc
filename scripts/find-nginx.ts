import { outputOf } from './output-of.ts';

/** The command that runs nginx; null if there is none. Debian has it where only root's PATH looks. */
export function findNginx(): string | null {
  return ['nginx', '/usr/sbin/nginx'].find((command) => outputOf(command, '-h') !== null) ?? null;
}

interface Locked {
  version?: string;
  optional?: boolean;
}

interface Lock {
  packages: Readonly<Record<string, Locked>>;
}

/**
 * What is wrong with the packages installed beside a lock; null if nothing is. `installedText` is the lock that npm
 * leaves in node_modules; null if there is none.
 */
export function clientsProblem(lockText: string, installedText: string | null): string | null {
  if (installedText === null) return 'The client tests need their packages.';
  const locked = packagesOf(lockText);
  const installed = packagesOf(installedText);
  const differs = Object.entries(locked).some(
    ([path, { version, optional = false }]) =>
      installed[path]?.version !== version && !(optional && installed[path] === undefined), // of other platforms
  );
  const isMore = Object.keys(installed).some((path) => locked[path] === undefined);
  return differs || isMore ? 'The packages of the client tests differ from their lock.' : null;
}

/** All but the project itself. */
function packagesOf(lockText: string): Lock['packages'] {
  const { '': _itself, ...packages } = (JSON.parse(lockText) as Lock).packages; // npm's own format
  return packages;
}

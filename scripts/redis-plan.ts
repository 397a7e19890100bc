/** What the tests need a machine to have. */
const neededMajor = 7;

export interface Machine {
  /** What `redis-server --version` prints; null where there is none. */
  versionText: string | null;
  isRoot: boolean;
  ci: boolean;
  hasApt: boolean;
}

export type RedisPlan =
  | { action: 'use'; version: string }
  | { action: 'install'; command: string[]; message: string }
  | { action: 'ask'; message: string };

/** Whether there is a redis-server fit for the tests, or how to get one. */
export function planRedis({ versionText, isRoot, ci, hasApt }: Machine): RedisPlan {
  const version = versionText === null ? null : (/\bv=(\d+\.\d+\.\d+)/.exec(versionText)?.[1] ?? null);
  if (version !== null && Number.parseInt(version, 10) >= neededMajor) return { action: 'use', version };

  const problem =
    version === null
      ? `The tests need redis-server ${neededMajor} or later, and there is none on the PATH.`
      : `The tests need redis-server ${neededMajor} or later; the one on the PATH is ${version}.`;
  if ((isRoot || ci) && hasApt) {
    const sudo = isRoot ? '' : 'sudo -n ';
    const script = `${sudo}apt-get update -qq && ${sudo}apt-get install -y -qq --no-install-recommends redis-server`;
    return {
      action: 'install',
      command: ['sh', '-c', script],
      message: `${problem} Installing it: ${script}`,
    };
  }
  const remedies = [
    '  sudo apt-get install redis-server   (Debian, Ubuntu)',
    '  brew install redis   (macOS)',
  ];
  return {
    action: 'ask',
    message: [problem, 'Install it, and run the tests again:', ...remedies].join('\n'),
  };
}

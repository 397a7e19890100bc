/** What decides whether a script installs a package by itself. */
export interface Machine {
  isRoot: boolean;
  ci: boolean;
  hasApt: boolean;
}

/** Something the tests need and the machine does not have. */
export interface Need {
  /** What is wrong, in a sentence. */
  problem: string;
  /** The Debian package that has it. */
  aptPackage: string;
  /** Further commands to offer, each with where it works: `brew install redis   (macOS)`. */
  otherCommands: readonly string[];
}

export type Plan =
  /** `found` is its name and version. */
  | { action: 'use'; found: string }
  | { action: 'install'; command: string[]; message: string }
  | { action: 'ask'; message: string };

/** How to get it: by apt if this machine allows it, else by asking. */
export function planInstall(
  { problem, aptPackage, otherCommands }: Need,
  { isRoot, ci, hasApt }: Machine,
): Plan {
  if ((isRoot || ci) && hasApt) {
    const sudo = isRoot ? '' : 'sudo -n ';
    const script = `${sudo}apt-get update -qq && ${sudo}apt-get install -y -qq --no-install-recommends ${aptPackage}`;
    return {
      action: 'install',
      command: ['sh', '-c', script],
      message: `${problem} Installing it: ${script}`,
    };
  }
  const commands = [`sudo apt-get install ${aptPackage}   (Debian, Ubuntu)`, ...otherCommands];
  return {
    action: 'ask',
    message: [problem, 'Install it, and run the tests again:', ...commands.map((line) => `  ${line}`)].join(
      '\n',
    ),
  };
}

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
  /** A folder to unpack the package into, from the project's. Installed, some packages run a service. */
  unpackInto?: string;
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
  { problem, aptPackage, unpackInto, otherCommands }: Need,
  { isRoot, ci, hasApt }: Machine,
): Plan {
  if ((isRoot || ci) && hasApt) {
    const sudo = isRoot ? '' : 'sudo -n ';
    const get = unpackInto
      ? unpacking(aptPackage, unpackInto)
      : `${sudo}apt-get install -y -qq --no-install-recommends ${aptPackage}`;
    const script = `${sudo}apt-get update -qq && ${get}`;
    return {
      action: 'install',
      command: ['sh', '-c', script],
      message: `${problem} Installing it: ${script}`,
    };
  }
  const byApt = unpackInto ? unpacking(aptPackage, unpackInto) : `sudo apt-get install ${aptPackage}`;
  const commands = [`${byApt}   (Debian, Ubuntu)`, ...otherCommands];
  return {
    action: 'ask',
    message: [problem, 'Install it, and run the tests again:', ...commands.map((line) => `  ${line}`)].join(
      '\n',
    ),
  };
}

/** Needs no root: only the package's files are taken, not what it depends on. */
function unpacking(aptPackage: string, folder: string): string {
  const inFolder = `apt-get download -qq ${aptPackage} && dpkg -x ${aptPackage}_*.deb . && rm ${aptPackage}_*.deb`;
  return `mkdir -p ${folder} && cd ${folder} && ${inFolder}`;
}

import { type Command, InvalidArgumentError } from 'commander';
import { systemClock } from '../base/clock.ts';
import { areaOf, areas, type Finding } from '../doctor/finding.ts';
import { examine } from '../doctor/examine.ts';
import { plain } from './cells.ts';
import type { Cli, Terminal } from './cli.ts';
import { CommandFailed, exitCodes } from './command-failed.ts';
import { example } from './help.ts';
import { padded, wrapped } from './text-width.ts';

const states = { ok: 32, warning: 33, problem: 31 } as const satisfies Record<Finding['state'], number>;
const indent = '  ';
const stateWidth = 'problem  '.length;

interface DoctorOptions {
  env: NodeJS.ProcessEnv;
  terminal: Pick<Terminal, 'hasColours'>;
}

/** `tollgate doctor` */
export function doctorCommand(program: Command, cli: Cli, { env, terminal }: DoctorOptions): void {
  program
    .command('doctor')
    .description('look at all that a gateway needs: store, records, upstreams, issuers, webhooks')
    .option('--dynos <n>', 'judge connections for so many dynos; default: 1, or what runs', dynosOf)
    .addHelpText(
      'after',
      '\nIt reads the configuration of the gateway where it runs, not over HTTP: on' +
        '\nHeroku, heroku run --exit-code npm run doctor. It changes nothing, and' +
        '\ncalls nothing that costs money. Exit codes: 0 no problem; 1 problems; 2 it' +
        '\ncould not look, since the configuration cannot be read.' +
        `\n${example('doctor')}`,
    )
    .action(async ({ dynos = 1 }: { dynos?: number }) => {
      const { couldLook, findings } = await examine({ env, clock: systemClock, dynos });
      const count = (state: Finding['state']): number =>
        findings.filter((finding) => finding.state === state).length;
      const [problems, warnings] = [count('problem'), count('warning')];
      const words = wordsFor(findings, { width: cli.width, hasColours: terminal.hasColours === true });
      cli.printDone({ problems, warnings, findings: findings.map((each) => ({ ...each })) }, words);
      if (!couldLook) {
        throw new CommandFailed(
          'Nothing else was looked at: the gateway would not start.',
          exitCodes.misused,
        );
      }
      if (problems > 0) throw new CommandFailed(`Problems: ${problems}. Warnings: ${warnings}.`);
      cli.note(`No problems. Warnings: ${warnings}.`);
    });
}

function dynosOf(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a number of dynos, such as 2.');
}

/** The findings under the names of their areas; below each that is not ok, what to do. */
export function wordsFor(
  findings: readonly Finding[],
  { width, hasColours }: { width: number; hasColours: boolean },
): string {
  const parts = areas.map((area) => {
    const own = findings.filter((finding) => areaOf(finding) === area);
    return own.length === 0
      ? []
      : [area, ...own.flatMap((finding) => linesOf(finding, { width, hasColours }))];
  });
  return parts.flat().join('\n');
}

function linesOf(
  { state, says, remedy }: Finding,
  { width, hasColours }: { width: number; hasColours: boolean },
): string[] {
  const left = indent.length + stateWidth;
  const texts = [...wrapped(plain(says), width - left), ...(remedy === null ? [] : [remedyOf(remedy)])];
  return texts.map((text, n) => `${indent}${n === 0 ? label() : ' '.repeat(stateWidth)}${text}`);

  function label(): string {
    const text = padded(state, stateWidth);
    return hasColours ? `\u001B[${states[state]}m${text}\u001B[39m` : text;
  }
}

/** On one line, however long: it may be a command to paste. */
function remedyOf(remedy: string): string {
  return `→ ${plain(remedy)}`;
}

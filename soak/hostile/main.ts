import { attacks } from './attacks.ts';
import { underAttack } from './under-attack.ts';

/*
 * `npm run soak:hostile [-- name ...]`: a team that means harm beside an honest one, on two processes and a store of
 * 25 MB. One attack after another; `ATTACK_SECONDS` (9) sets how long each lasts. The honest team must lose nothing.
 */
const seconds = Number(process.env['ATTACK_SECONDS'] ?? 9);
if (!(seconds > 0)) throw new TypeError('ATTACK_SECONDS: expected a number of seconds.');
const names = process.argv.slice(2);
const unknown = names.filter((name) => !attacks.some((attack) => attack.name === name));
if (unknown.length > 0) throw new TypeError(`No attack has this name: ${unknown.join(', ')}.`);
const chosen = names.length === 0 ? attacks : attacks.filter(({ name }) => names.includes(name));

const held = await underAttack(chosen, { seconds, say: (text) => void process.stdout.write(`${text}\n`) });
process.exit(held ? 0 : 1); // attackers' connections would keep the process

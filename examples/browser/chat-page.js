// @ts-check

/** @typedef {(question: string, signal: AbortSignal) => AsyncIterable<string>} Ask Gives the answer, piece by piece. */

/**
 * Connects a page's form: sends the question, writes the answer as it arrives, and shows the state.
 * @param {Ask} ask
 */
export function chatPage(ask) {
  const form = /** @type {HTMLFormElement} */ (element('ask'));
  const question = /** @type {HTMLInputElement} */ (element('question'));
  const stop = /** @type {HTMLButtonElement} */ (element('stop'));
  const send = /** @type {HTMLButtonElement} */ (element('send'));
  /** @type {AbortController | undefined} */
  let running;

  const run = async () => {
    running = new AbortController();
    send.disabled = true;
    stop.disabled = false;
    await show(ask(question.value, running.signal), running.signal);
    send.disabled = false;
    stop.disabled = true;
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void run();
  });
  stop.addEventListener('click', () => running?.abort());
}

/**
 * @param {AsyncIterable<string>} pieces
 * @param {AbortSignal} signal
 */
async function show(pieces, signal) {
  const answer = element('answer');
  answer.textContent = '';
  say('Waiting for the first word …');
  let count = 0;
  try {
    for await (const piece of pieces) {
      answer.append(piece);
      if (piece !== '') count += 1;
      say(`Streaming: ${count} pieces so far.`);
    }
    say(signal.aborted ? 'Stopped.' : `Done: ${count} pieces.`); // the SDK ends a stopped stream as if it were whole
  } catch (error) {
    if (signal.aborted) say('Stopped.');
    else sayError(error);
  }
}

/**
 * @param {string} text
 * @param {'going' | 'failed'} [state]
 */
export function say(text, state = 'going') {
  const status = element('status');
  status.textContent = text;
  status.className = state;
}

/**
 * Shows an error: its code, if it or its cause has one, and its message.
 * @param {unknown} error
 */
export function sayError(error) {
  const { cause } = /** @type {Error} */ (error);
  const told = /** @type {Error & { code?: string }} */ (
    cause instanceof Error && 'code' in cause ? cause : error
  );
  say(`${told.code ?? told.name}: ${told.message}`, 'failed');
}

/** @param {string} id */
function element(id) {
  const found = document.getElementById(id);
  if (!found) throw new TypeError(`The page has no #${id}.`);
  return found;
}

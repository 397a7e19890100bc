// @ts-check

/**
 * @typedef {{ role: 'user' | 'assistant', content: string }} Message
 * @typedef {(messages: Message[], signal: AbortSignal) => AsyncIterable<string>} Ask Gives the answer, piece by piece.
 */

/** So many messages of the conversation go along with a question: each of them is paid for again. */
const maxKept = 20;

/**
 * A page with a conversation: sends each question with what was said before, writes the answer as it arrives, and shows
 * the state.
 * @param {Ask} ask
 */
export function chatPage(ask) {
  const question = /** @type {HTMLInputElement} */ (element('question'));
  const stop = /** @type {HTMLButtonElement} */ (element('stop'));
  const send = /** @type {HTMLButtonElement} */ (element('send'));
  /** @type {Message[]} */
  let kept = [];
  /** @type {AbortController | undefined} */
  let running;

  const run = async () => {
    const controller = new AbortController();
    running = controller;
    send.disabled = true;
    stop.disabled = false;
    /** @type {Message} */
    const asked = { role: 'user', content: question.value };
    question.value = '';
    addTurn(asked);
    const turn = addTurn({ role: 'assistant', content: '' });
    const isDone = await show(ask([...kept, asked], controller.signal), turn, controller.signal);
    if (running !== controller) return; // the conversation was cleared
    const content = turn.textContent ?? '';
    /** @type {Message[]} */
    const both = [asked, { role: 'assistant', content }];
    if (isDone && content !== '') kept = [...kept, ...both].slice(-maxKept);
    else question.value ||= asked.content; // to be asked again
    send.disabled = false;
    stop.disabled = true;
  };
  const clear = () => {
    running?.abort();
    running = undefined;
    kept = [];
    element('conversation').replaceChildren();
    send.disabled = false;
    stop.disabled = true;
    say('Nothing asked yet.');
  };

  element('ask').addEventListener('submit', (event) => {
    event.preventDefault();
    void run();
  });
  stop.addEventListener('click', () => running?.abort());
  element('clear').addEventListener('click', clear);
  send.disabled = false; // until now, the browser would have sent the form itself
  return { clear };
}

/**
 * Gives whether the answer is worth keeping: whole, or stopped.
 * @param {AsyncIterable<string>} pieces
 * @param {HTMLElement} turn
 * @param {AbortSignal} signal
 */
async function show(pieces, turn, signal) {
  say('Waiting for the first word …');
  element('status').scrollIntoView();
  let count = 0;
  try {
    for await (const piece of pieces) {
      if (signal.aborted) break;
      const atEnd = isAtEnd();
      turn.append(piece);
      if (piece !== '') count += 1;
      say(`Streaming: ${count} pieces so far.`);
      if (atEnd) element('status').scrollIntoView();
    }
    say(signal.aborted ? 'Stopped.' : `Done: ${count} pieces.`); // the SDK ends a stopped stream as if it were whole
    return true;
  } catch (error) {
    if (signal.aborted) say('Stopped.');
    else sayError(error);
    turn.classList.toggle('failed', !signal.aborted);
    return signal.aborted;
  }
}

/** Whoever has scrolled up to read is left there. */
function isAtEnd() {
  const { scrollHeight } = document.documentElement;
  return scrollY + innerHeight > scrollHeight - 40;
}

/** @param {Message} message */
function addTurn({ role, content }) {
  const turn = document.createElement('li');
  turn.className = role;
  turn.textContent = content;
  element('conversation').append(turn);
  return turn;
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

/* What the success page and the claim page do beyond HTML: both can be read and used without it. */

const copiedForMs = 2_000;

const status = document.createElement('p');
status.setAttribute('role', 'status');
document.body.append(status);

for (const text of document.querySelectorAll('pre[data-copy]')) {
  if (text instanceof HTMLElement) addCopyButton(text, text.dataset['copy'] ?? '');
}

/**
 * @param {HTMLElement} text what is copied
 * @param {string} name what it is, such as "the token"
 */
function addCopyButton(text, name) {
  const button = document.createElement('button');
  button.type = 'button';
  text.after(button);
  /** @param {string} said */
  const say = (said) => {
    button.textContent = said;
    button.setAttribute('aria-label', `${said} ${name}`);
  };
  say('Copy');
  const copyNow = async () => {
    const copied = await copy(text);
    say(copied ? 'Copied' : 'Selected');
    status.textContent = copied ? `Copied ${name}.` : `Selected ${name}: copy it with the keyboard.`;
    setTimeout(() => say('Copy'), copiedForMs);
  };
  button.addEventListener('click', () => void copyNow());
}

/**
 * Browsers let a page write to the clipboard over https only, and people may say no. Then the text is selected.
 *
 * @param {HTMLElement} text
 */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text.textContent);
    return true;
  } catch {
    getSelection()?.selectAllChildren(text);
    return false;
  }
}

/* Times are written in UTC. The viewer sees their own zone's, and UTC on hover. */
const inZone = new Intl.DateTimeFormat(undefined, { dateStyle: 'long', timeStyle: 'short' });
for (const time of document.querySelectorAll('time')) {
  time.title = time.textContent;
  time.textContent = inZone.format(new Date(time.dateTime));
}

/** Whom the provider knows: by id, their names. */
export const users = { ana: 'Ana', bo: 'Bo' } as const;

const buttons = Object.entries(users).map(
  ([id, name]) =>
    `<button name="user" value="${id}"><span>${name.slice(0, 1)}</span>Sign in as ${name}</button>`,
);

/** What a visitor sees there. The form goes to the address it came from, with its query. */
export const signInPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Sign in</title>
<link rel="icon" href="data:,">
<style>
  :root {
    color-scheme: light dark;
    background: light-dark(#e8f1ee, #111a18);
    color: light-dark(#12241f, #e4efec);
    font: 16px/1.5 system-ui, sans-serif;
  }
  body { display: grid; min-height: 100vh; margin: 0; place-items: center; }
  main {
    box-sizing: border-box;
    width: min(22rem, 100% - 2rem);
    padding: 2rem;
    border-radius: 1rem;
    background: light-dark(#fff, #1b2724);
    box-shadow: 0 0.5rem 2rem #0002;
  }
  h1 { margin: 0; font-size: 1.5rem; }
  p { margin: 0.5rem 0 1.5rem; opacity: 0.75; }
  form { display: grid; gap: 0.75rem; }
  button {
    display: flex;
    align-items: center;
    gap: 0.75rem;
    padding: 0.6rem 0.8rem;
    border: 1px solid light-dark(#c3d5cf, #3a4d47);
    border-radius: 0.6rem;
    background: none;
    color: inherit;
    font: inherit;
    cursor: pointer;
  }
  button:hover { background: light-dark(#f1f8f5, #24332f); }
  button:focus-visible { outline: 2px solid light-dark(#0b7a5c, #5fd3b1); outline-offset: 2px; }
  span {
    display: grid;
    width: 2rem;
    height: 2rem;
    border-radius: 50%;
    place-items: center;
    background: light-dark(#0b7a5c, #5fd3b1);
    color: light-dark(#fff, #111a18);
  }
</style>
<main>
  <h1>Who are you?</h1>
  <p>A provider for these examples only: nobody asks for a password.</p>
  <form method="post">
${buttons.join('\n')}
  </form>
</main>
</html>
`;

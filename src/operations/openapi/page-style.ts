/** Wide enough for a page beside its contents, or one above the other; light or dark as the reader has it. */
export const style = `
  :root { color-scheme: light dark; --soft: light-dark(#f4f4f5, #26262b); --line: light-dark(#d4d4d8, #3f3f46); --quiet: light-dark(#52525b, #a1a1aa); }
  body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; padding: 1rem; max-width: 80rem; }
  code { background: var(--soft); border-radius: 4px; padding: 0 .25rem; overflow-wrap: anywhere; }
  h3 code { background: none; padding: 0; font-size: 1rem; }
  small, .type { color: var(--quiet); }
  nav ul { list-style: none; padding: 0; }
  nav h2 { font-size: 1rem; margin: 1rem 0 0; }
  nav a { overflow-wrap: anywhere; }
  article { border-top: 1px solid var(--line); padding: .5rem 0; scroll-margin-top: 1rem; }
  p { margin: .5rem 0; overflow-wrap: anywhere; }
  dl { margin: .5rem 0; }
  dd { margin: 0 0 .5rem; padding-left: .75rem; border-left: 2px solid var(--line); }
  dd > p { margin: .125rem 0; }
  .skip { position: absolute; left: -999rem; }
  .skip:focus { position: static; }
  @media (min-width: 60rem) {
    body { display: grid; grid-template-columns: 20rem minmax(0, 1fr); column-gap: 2rem; }
    header, .skip { grid-column: 1 / -1; }
    nav { position: sticky; top: 0; max-height: 100vh; overflow-y: auto; font-size: .875rem; }
  }
`;

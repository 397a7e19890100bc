import { useState } from 'preact/hooks';
import { ask } from '../api.ts';
import { undoing } from '../data.ts';
import { html, type View } from '../html.ts';
import { Dialog } from './dialog.ts';
import { Field, Form, textOf } from './form.ts';
import { notify } from './notice.ts';

interface EditedField {
  name: string;
  label: string;
  value: string | null;
  type?: string;
  hint?: string;
}

interface EditRecordProps {
  /** The path of the record. */
  path: string;
  fields: readonly EditedField[];
  etag: string | null;
  reload: () => void;
}

/** A button that changes what a record is called. Empty fields clear. */
export function EditRecord({ path, fields, etag, reload }: EditRecordProps): View {
  const [isOpen, setOpen] = useState(false);
  const close = (): void => setOpen(false);
  const send = (form: FormData) => {
    const body = Object.fromEntries(fields.map(({ name }) => [name, textOf(form, name) ?? null]));
    return ask(path, { method: 'PATCH', body, etag });
  };
  const done = (_record: unknown, changed: string | null): void => {
    close();
    reload();
    const before = Object.fromEntries(fields.map(({ name, value }) => [name, value]));
    notify({ text: 'It was changed.', undo: undoing(path, { body: before, etag: changed, reload }) });
  };
  return html`<button type="button" onClick=${() => setOpen(true)}>Edit</button> ${
      isOpen &&
      html`<${Dialog} title="Edit" close=${close}>
        <${Form} action="Save" send=${send} done=${done} cancel=${close}>
          ${fields.map(({ value, ...field }) => html`<${Field} ...${field} value=${value ?? ''} />`)}
        <//>
      <//>`
    }`;
}

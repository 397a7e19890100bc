import { useId, useState } from 'preact/hooks';
import type { Answer, Problem } from '../api.ts';
import { type Children, html, type View } from '../html.ts';
import { Failure } from './state.ts';

interface FormProps<T> {
  /** What the button says. */
  action: string;
  send: (fields: FormData) => Promise<Answer<T>>;
  /** Gets what was answered, and the ETag of the record as it is now. */
  done: (value: T, etag: string | null) => void;
  cancel?: () => void;
  cancelText?: string;
  children?: Children;
}

/** A form that says in the gateway's words what is wrong, with the field that is meant marked. */
export function Form<T>({ action, send, done, cancel, cancelText = 'Cancel', children }: FormProps<T>): View {
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isSending, setSending] = useState(false);
  const submit = async (form: HTMLFormElement): Promise<void> => {
    setSending(true);
    const answer = await send(new FormData(form));
    setSending(false);
    if (answer.ok) {
      setProblem(null);
      return done(answer.value, answer.etag);
    }
    setProblem(answer.problem);
    mark(form, answer.problem);
  };
  const submitted = (event: SubmitEvent): void => {
    event.preventDefault();
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the listener is on a form
    void submit(event.currentTarget as HTMLFormElement);
  };
  return html`<form onSubmit=${submitted}>
    ${children} ${problem ? html`<${Failure} problem=${problem} />` : null}
    <p class="actions">
      ${cancel ? html`<button type="button" onClick=${cancel}>${cancelText}</button>` : null}
      <button type="submit" class="primary" disabled=${isSending}>${isSending ? 'Sending…' : action}</button>
    </p>
  </form>`;
}

/** Marks the fields that a problem names, and goes to the first of them. */
function mark(form: HTMLFormElement, { param, details }: Problem): void {
  const wrong = new Set([param, ...details.map((each) => each.param)].map((name) => name?.split('.')[0]));
  const marked: HTMLElement[] = [];
  for (const field of form.elements) {
    if (!(field instanceof HTMLElement)) continue;
    field.removeAttribute('aria-invalid');
    if (wrong.has(field.getAttribute('name') ?? '')) marked.push(field);
  }
  for (const field of marked) field.setAttribute('aria-invalid', 'true');
  marked[0]?.focus();
}

interface FieldProps {
  name: string;
  label: string;
  hint?: string;
  type?: string;
  value?: string;
  required?: boolean;
  placeholder?: string;
  autocomplete?: string;
  /** Of a number. */
  step?: string;
  min?: string;
}

export function Field({ name, label, hint, ...input }: FieldProps): View {
  const hintId = useId();
  return html`<label class="field">
    <span>${label}</span>
    <input name=${name} aria-describedby=${hint ? hintId : undefined} autocomplete="off" ...${input} />
    ${hint ? html`<small id=${hintId}>${hint}</small>` : null}
  </label>`;
}

interface ChoiceProps {
  name: string;
  label: string;
  options: readonly (readonly [value: string, label: string])[];
  value?: string;
  onChange?: (value: string) => void;
  /** The id of its form, if it stands outside of it. */
  form?: string;
}

export function Choice({ name, label, options, value, onChange, form }: ChoiceProps): View {
  const changed = (event: Event): void => {
    if (event.currentTarget instanceof HTMLSelectElement) onChange?.(event.currentTarget.value);
  };
  return html`<label class="field">
    <span>${label}</span>
    <select name=${name} onChange=${changed} form=${form}>
      ${options.map(([each, text]) => html`<option value=${each} selected=${each === value}>${text}</option>`)}
    </select>
  </label>`;
}

/** A field's text without blanks around it; undefined if it is empty, so that it is left out. */
export function textOf(fields: FormData, name: string): string | undefined {
  const value = fields.get(name);
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

/** A list from a field: names with commas, blanks or line ends between them. */
export function listOf(fields: FormData, name: string): string[] | undefined {
  return textOf(fields, name)
    ?.split(/[\s,]+/)
    .filter((each) => each !== '');
}

/** Tags from a field: `project=x, env=test`. What has no `=` gets no value: the gateway says what is wrong. */
export function tagsOf(fields: FormData, name: string): Record<string, string> | undefined {
  const list = listOf(fields, name);
  return (
    list &&
    Object.fromEntries(list.map((tag) => tag.split(/=(.*)/s)).map(([key = '', value = '']) => [key, value]))
  );
}

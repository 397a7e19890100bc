/** Who is called, as raw strings. */
export interface CalledTool {
  callId: string;
  name: string;
  /** The namespace that has it; null: none. */
  namespace: string | null;
}

export type ItemStatus = 'in_progress' | 'completed' | 'incomplete';

/** The part of an item that its text is in. */
interface PartForm {
  added: string;
  done: string;
  /** The member that says which part it is. Each item has one. */
  index: string;
  /** The part with a text, as JSON. */
  json: (raw: string) => string;
}

/** How items of a kind are written, by themselves and as events. All are JSON, with texts as raw strings. */
export interface ItemForm {
  idPrefix: string;
  part: PartForm | null;
  /** Names of events. */
  delta: string;
  done: string;
  /** The member of the event `done` that has the text. */
  textMember: string;
  /** Further members of the events `delta` and `done`. */
  more: string;
  /** Further members of `done` alone. */
  doneMore: (called: CalledTool) => string;
  /** The item. Its text is null until it is done. */
  json: (item: { id: string; status: ItemStatus; raw: string | null; called: CalledTool }) => string;
}

const noPart = '';
const nothing = (): string => '';

const outputText = (raw: string): string =>
  `{"type":"output_text","text":"${raw}","annotations":[],"logprobs":[]}`;
const refusal = (raw: string): string => `{"type":"refusal","refusal":"${raw}"}`;
const summaryText = (raw: string): string => `{"type":"summary_text","text":"${raw}"}`;

function message(part: (raw: string) => string): ItemForm['json'] {
  return ({ id, status, raw }) =>
    `{"id":"${id}","type":"message","status":"${status}","role":"assistant","content":[${raw === null ? noPart : part(raw)}]}`;
}

function contentPart(json: (raw: string) => string): PartForm {
  return {
    added: 'response.content_part.added',
    done: 'response.content_part.done',
    index: '"content_index":0',
    json,
  };
}

/**
 * The kinds of items. Reasoning goes out as a summary, which all clients show, whatever the model calls it; few show
 * `reasoning_text`.
 */
export const itemForms = {
  text: {
    idPrefix: 'msg_',
    part: contentPart(outputText),
    delta: 'response.output_text.delta',
    done: 'response.output_text.done',
    textMember: 'text',
    more: ',"logprobs":[]',
    doneMore: nothing,
    json: message(outputText),
  },
  refusal: {
    idPrefix: 'msg_',
    part: contentPart(refusal),
    delta: 'response.refusal.delta',
    done: 'response.refusal.done',
    textMember: 'refusal',
    more: '',
    doneMore: nothing,
    json: message(refusal),
  },
  reasoning: {
    idPrefix: 'rs_',
    part: {
      added: 'response.reasoning_summary_part.added',
      done: 'response.reasoning_summary_part.done',
      index: '"summary_index":0',
      json: summaryText,
    },
    delta: 'response.reasoning_summary_text.delta',
    done: 'response.reasoning_summary_text.done',
    textMember: 'text',
    more: '',
    doneMore: nothing,
    json: ({ id, status, raw }) =>
      `{"id":"${id}","type":"reasoning","status":"${status}","summary":[${raw === null ? noPart : summaryText(raw)}]}`,
  },
  function: {
    idPrefix: 'fc_',
    part: null,
    delta: 'response.function_call_arguments.delta',
    done: 'response.function_call_arguments.done',
    textMember: 'arguments',
    more: '',
    doneMore: ({ name }) => `,"name":"${name}"`,
    json: ({ id, status, raw, called }) =>
      `{"id":"${id}","type":"function_call","status":"${status}",${calledMembers(called)},"arguments":"${raw ?? ''}"}`,
  },
  custom: {
    idPrefix: 'ctc_',
    part: null,
    delta: 'response.custom_tool_call_input.delta',
    done: 'response.custom_tool_call_input.done',
    textMember: 'input',
    more: '',
    doneMore: nothing,
    json: ({ id, status, raw, called }) =>
      `{"id":"${id}","type":"custom_tool_call","status":"${status}",${calledMembers(called)},"input":"${raw ?? ''}"}`,
  },
} as const satisfies Record<string, ItemForm>;

export type ItemKind = keyof typeof itemForms;
/** The kinds that are no calls. */
export type TextKind = Exclude<ItemKind, 'function' | 'custom'>;

function calledMembers({ callId, name, namespace }: CalledTool): string {
  const ofNamespace = namespace === null ? '' : `,"namespace":"${namespace}"`;
  return `"call_id":"${callId}","name":"${name}"${ofNamespace}`;
}

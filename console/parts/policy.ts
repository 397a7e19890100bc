import { useState } from 'preact/hooks';
import { ask } from '../api.ts';
import { undoing } from '../data.ts';
import { tagList } from '../format.ts';
import { html, type View } from '../html.ts';
import { allowed } from '../views/records.ts';
import { Dialog } from './dialog.ts';
import { Choice, Field, Form, listOf, tagsOf, textOf } from './form.ts';
import { notify } from './notice.ts';
import { Section } from './page.ts';

/** What a team or a token may use; null restricts nothing. */
interface Policy {
  models: string[] | null;
  endpoints: string[] | null;
  origins: string[] | null;
  tools: string[] | null;
  /** Of a team. */
  tag_keys?: string[] | null;
  /** Of a token. */
  tags?: Record<string, string> | null;
  request_tags?: string[] | null;
  session_proof?: string | null;
}

const proofs = [
  ['', 'nothing, unless they are bound to a key'],
  ['required', 'a key of their page'],
  ['nonce', 'a key of their page, with a nonce'],
  ['once', 'a key of their page, by proofs that work once'],
] as const;

interface PolicyProps {
  path: string;
  record: Policy;
  etag: string | null;
  mayChange: boolean;
  reload: () => void;
  of: 'team' | 'token';
}

/** What a team or a token may use, and a form to change it. */
export function PolicySection({ path, record, etag, mayChange, reload, of }: PolicyProps): View {
  const [isChanging, setChanging] = useState(false);
  const { models, endpoints, origins, tools } = record;
  const { tag_keys: keys = null, tags = null, request_tags: perRequest = null } = record;
  const { session_proof: proof = null } = record;
  const further =
    of === 'team' ? { tag_keys: keys } : { tags, request_tags: perRequest, session_proof: proof };
  const before: Policy = { models, endpoints, origins, tools, ...further };
  const send = (fields: FormData) => {
    const listIn = (name: string): string[] | null => listOf(fields, name) ?? null;
    const policy: Policy = {
      models: listIn('models'),
      endpoints: listIn('endpoints'),
      origins: listIn('origins'),
      tools: listIn('tools'),
      ...(of === 'team'
        ? { tag_keys: listIn('tag_keys') }
        : {
            tags: tagsOf(fields, 'tags') ?? null,
            request_tags: listIn('request_tags'),
            session_proof: textOf(fields, 'session_proof') ?? null,
          }),
    };
    return ask<Policy>(path, { method: 'PATCH', body: policy, etag });
  };
  const done = (_record: Policy, changed: string | null): void => {
    setChanging(false);
    reload();
    const undo = undoing(path, { body: before, etag: changed, reload });
    notify({ text: `What the ${of} may use was changed. It applies from the next request on.`, undo });
  };
  const change = html`<button type="button" onClick=${() => setChanging(true)}>Change</button>`;
  return html`<${Section} title=${`What the ${of} may use`} actions=${mayChange ? change : null}>
    <dl class="facts">
      <dt>Models</dt>
      <dd>${allowed(models)}</dd>
      <dt>Endpoints</dt>
      <dd>${allowed(endpoints)}</dd>
      <dt>Web pages</dt>
      <dd>
        ${allowed(origins, of === 'team' ? 'as its tokens say' : "the gateway's ALLOWED_ORIGINS, and programs")}
      </dd>
      <dt>Tools that run elsewhere</dt>
      <dd>${allowed(tools, 'none')}</dd>
      <dt>Tags</dt>
      <dd>
        ${of === 'team' ? allowed(keys, 'none') : tagList(tags) || html`<span class="quiet">none</span>`}
      </dd>
      ${
        of === 'token' &&
        html`<dt>Tags that a request may set</dt>
          <dd>${allowed(perRequest, 'none')}</dd>
          <dt>Its sessions must prove</dt>
          <dd>${proofs.find(([each]) => each === (proof ?? ''))?.[1] ?? proof}</dd>`
      }
    </dl>
    ${
      isChanging &&
      html`<${Dialog} title=${`What the ${of} may use`} close=${() => setChanging(false)}>
        <${Form} action="Save" send=${send} done=${done} cancel=${() => setChanging(false)}>
          <${Names} name="models" label="Models" value=${models} />
          <${Names}
            name="endpoints"
            label="Endpoints"
            value=${endpoints}
            hint="Paths such as /v1/chat/completions."
          />
          <${Names}
            name="origins"
            label="Web pages"
            value=${origins}
            hint="Origins such as https://app.example.com. The word none stands for programs."
          />
          <${Names}
            name="tools"
            label="Tools that run elsewhere"
            value=${tools}
            hint="Empty: plain functions only."
          />
          ${
            of === 'team'
              ? html`<${Names}
                  name="tag_keys"
                  label="Tags"
                  value=${keys}
                  hint="What its requests may be told apart by, such as project. Empty: none."
                />`
              : html`<${Field}
                    name="tags"
                    label="Tags of all its requests"
                    value=${tagList(tags)}
                    hint="Such as project=x. Empty: none."
                  />
                  <${Names}
                    name="request_tags"
                    label="Tags that a request may set"
                    value=${perRequest}
                    hint="Names such as project. Empty: none."
                  />
                  <${Choice}
                    name="session_proof"
                    label="Its sessions must prove"
                    value=${proof ?? ''}
                    options=${proofs}
                  />`
          }
        <//>
      <//>`
    }
  <//>`;
}

interface NamesProps {
  name: string;
  label: string;
  value: readonly string[] | null;
  hint?: string;
}

function Names({ name, label, value, hint = 'Ids with commas between them. Empty: all.' }: NamesProps): View {
  return html`<${Field} name=${name} label=${label} value=${value?.join(', ') ?? ''} hint=${hint} />`;
}

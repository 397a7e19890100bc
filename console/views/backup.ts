import { useState } from 'preact/hooks';
import { type Answer, ask, fileUrl } from '../api.ts';
import { count } from '../format.ts';
import { html, type View } from '../html.ts';
import { Form } from '../parts/form.ts';
import { Page, Section } from '../parts/page.ts';

type Report = Record<'created' | 'unchanged' | 'kept' | 'overwritten' | 'revoked', number>;

/** Teams, users and tokens as one document, out and in. */
export function Backup(): View {
  const [report, setReport] = useState<Report | null>(null);
  return html`<${Page} title="Backup">
    <${Section}
      title="Export"
      actions=${html`<a class="button" href=${fileUrl('/admin/export')} download="tollgate.json">Download</a>`}
    >
      <p>
        All teams, users and tokens, with their limits. It holds the hashes of tokens, not the tokens
        themselves. Keep it safe all the same.
      </p>
    <//>
    <${Section} title="Import">
      <${Form} action="Import" send=${imported} done=${setReport}>
        <label class="field"
          ><span>A file that was exported</span
          ><input type="file" name="file" accept="application/json,.json" required
        /></label>
        <label
          ><input type="checkbox" name="overwrite" value="true" /> Overwrite records that differ from the
          file</label
        >
      <//>
      ${
        report &&
        html`<dl class="tiles">
          ${Object.entries(report).map(
            ([name, rows]) =>
              html`<div class="tile">
                <dt>${name}</dt>
                <dd>${count(rows)}</dd>
              </div>`,
          )}
        </dl>`
      }
    <//>
  <//>`;
}

async function imported(fields: FormData): Promise<Answer<Report>> {
  const file = fields.get('file');
  const overwrite = fields.get('overwrite') === 'true';
  const document = jsonOf(file instanceof File ? await file.text() : '');
  return ask<Report>(`/admin/import?overwrite=${String(overwrite)}`, { method: 'POST', body: document });
}

/** What is not JSON is sent as it is: the gateway says what is wrong with it. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

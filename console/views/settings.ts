import type { Page as Rows } from '../api.ts';
import { useReading } from '../data.ts';
import { html, type View } from '../html.ts';
import type { ShownLimit } from '../parts/limits.ts';
import { Page, Section } from '../parts/page.ts';
import type { NewLimit } from '../parts/limit-form.ts';
import { RecordLimits } from '../parts/record-limits.ts';
import { Shown } from '../parts/state.ts';
import { EndUserLimits } from './end-users.ts';
import { mayChangeGateway, useSession } from '../session.ts';

interface GatewaySettings {
  limits: ShownLimit[];
  end_user_limits?: ShownLimit[];
  defaults: Record<'team' | 'user' | 'token', { limits: ShownLimit[] }>;
}

const path = '/admin/settings';
const kinds = [
  ['team', 'Limits of a new team'],
  ['user', 'Limits of a new user'],
  ['token', 'Limits of a new token'],
] as const;

/** The limits of the whole gateway, the defaults of new records, and who may sign in. */
export function Settings(): View {
  const session = useSession();
  const { value, etag, problem, isLoading, reload } = useReading<GatewaySettings>(`${path}?usage=true`);
  const mayChange = mayChangeGateway(session);
  return html`<${Page} title="Settings">
    <${Shown} isLoading=${isLoading} problem=${problem} hasValue=${value !== null} reload=${reload}>
      ${
        value &&
        html`<${RecordLimits}
            path=${path}
            limits=${value.limits}
            etag=${etag}
            mayChange=${mayChange}
            reload=${reload}
            title="Limits of the gateway"
            none="Those of teams, users and tokens still apply."
          />
          <${EndUserLimits}
            path=${path}
            limits=${value.end_user_limits}
            etag=${etag}
            mayChange=${mayChange}
            reload=${reload}
          />
          <p class="quiet">Teams, users and tokens that are made without limits of their own get these:</p>
          <div class="columns">
            ${kinds.map(
              ([kind, title]) =>
                html`<${RecordLimits}
                  path=${path}
                  limits=${value.defaults[kind].limits}
                  etag=${etag}
                  mayChange=${mayChange}
                  reload=${reload}
                  title=${title}
                  none=${`A new ${kind} begins without limits of its own.`}
                  bodyOf=${(limits: readonly NewLimit[]) => ({ defaults: { [kind]: { limits } } })}
                />`,
            )}
          </div>
          <${Issuers} />`
      }
    <//>
  <//>`;
}

interface Issuer {
  issuer: string;
  [more: string]: unknown;
}

/** The OpenID providers that are trusted. ISSUERS_FILE says which; this only shows them. */
function Issuers(): View {
  const { value, problem, isLoading, reload } = useReading<Rows<Issuer>>('/admin/issuers');
  const rows = value?.data ?? [];
  return html`<${Section} title="Sign-in issuers">
    <${Shown} isLoading=${isLoading} problem=${problem} hasValue=${value !== null} reload=${reload}>
      ${
        rows.length === 0
          ? html`<p class="quiet">None. ISSUERS_FILE lists OpenID providers whose people may sign in.</p>`
          : rows.map(
              ({ issuer, ...rest }) =>
                html`<h3>${issuer}</h3>
                  <dl class="facts">
                    ${Object.entries(rest).map(
                      ([name, each]) =>
                        html`<dt>${name}</dt>
                          <dd><code>${typeof each === 'string' ? each : JSON.stringify(each)}</code></dd>`,
                    )}
                  </dl>`,
            )
      }
    <//>
  <//>`;
}

/**
 * The OpenAPI document as a page for people: operations, messages, examples. Rendered here, so that it needs no script and nothing from
 * anywhere else; it follows the reader's choice of light or dark.
 */
import { componentsPath } from '../../core/wire/json-schema.ts';
import { type DocumentView, type MessageView, type OperationView, type SchemaView, viewDocument } from './view.ts';
import type { OpenApiDocument } from './document.ts';

/** The only style of the page. Its hash is in the page's Content-Security-Policy. */
export const pageStyle = `
:root { color-scheme: light dark; --line: light-dark(#d0d4da, #3b4048); --quiet: light-dark(#4d5661, #aab2bd); --code: light-dark(#f3f5f7, #1d2127);
  --link: light-dark(#0b57a4, #8ab8f0); }
body { margin: 0 auto; padding: 1rem 1.25rem 4rem; max-width: 62rem; font: 1rem/1.5 system-ui, sans-serif;
  background: light-dark(#fff, #121519); color: light-dark(#16191d, #e6e9ee); }
a { color: var(--link); } a:focus-visible, summary:focus-visible, pre:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -99rem; } .skip:focus { position: static; }
h1, h2, h3 { line-height: 1.25; } h2 { margin-top: 3rem; border-bottom: 1px solid var(--line); } h3 { margin-top: 2.25rem; overflow-wrap: anywhere; }
code, pre { font-family: ui-monospace, monospace; font-size: .875em; } pre { padding: .75rem; overflow: auto; max-height: 30rem; background: var(--code); border-radius: 6px; }
table { border-collapse: collapse; width: 100%; } th, td { padding: .3rem .75rem .3rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
nav ul { columns: 18rem; padding-left: 1.1rem; } .quiet { color: var(--quiet); } summary { cursor: pointer; }
`;

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character]!);
}

/** Of CommonMark the descriptions use code between backticks only. */
function proseToHtml(text: string): string {
  return escapeHtml(text).replace(/`([^`]+)`/g, '<code>$1</code>');
}

function messageLink(name: string): string {
  return `<a href="#message-${escapeHtml(name)}">${escapeHtml(name)}</a>`;
}

function typeToHtml(type: SchemaView['type']): string {
  return type
    .map((part) =>
      part.startsWith(componentsPath) ? messageLink(part.slice(componentsPath.length)) : escapeHtml(part),
    )
    .join('');
}

function table(caption: string, heads: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const head = heads.map((text) => `<th scope="col">${text}</th>`).join('');
  const body = rows.map(([first, ...rest]) => {
    const cells = rest.map((cell) => `<td>${cell}</td>`).join('');
    return `<tr><th scope="row"><code>${first ?? ''}</code></th>${cells}</tr>`;
  });
  return `<table><caption class="quiet">${caption}</caption><thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table>`;
}

function example(label: string, json: unknown): string {
  const text = escapeHtml(JSON.stringify(json, null, 2));
  return `<details><summary>${label}</summary><pre tabindex="0" role="region" aria-label="${label}">${text}</pre></details>`;
}

function operationToHtml({ id, method, path, summary, description, scope, ...rest }: OperationView): string {
  const { parameters, request, responses } = rest;
  const access =
    scope === null ? 'For everyone, without a token.' : `Needs the scope <code>${escapeHtml(scope)}</code>.`;
  const given = parameters.map(({ name, place, required, type, text }) => [
    escapeHtml(name),
    `${place}${required ? ', required' : ''}`,
    typeToHtml(type),
    proseToHtml(text),
  ]);
  const answered = responses.map(({ status, text, message }) => [
    status,
    `${message === null ? '' : `${messageLink(message)} `}${proseToHtml(text)}`,
  ]);
  return `<section aria-labelledby="${id}"><h3 id="${id}"><code>${method} ${escapeHtml(path)}</code></h3>
<p>${proseToHtml(summary)}. ${proseToHtml(description)}</p><p class="quiet">${access}</p>
${table('Parameters', ['name', 'where', 'type', 'meaning'], given)}
${request === null ? '' : `<p>Body: ${messageLink(request.message)}</p>${example(`Example of ${request.message}`, request.example)}`}
${table('Answers', ['status', 'what'], answered)}
</section>`;
}

function messageToHtml({ name, description, fields, examples }: MessageView): string {
  const rows = fields.map(({ name: field, required, type, text }) => [
    escapeHtml(field),
    typeToHtml(type),
    `${required ? '' : 'May be null or left out. '}${proseToHtml(text)}`,
  ]);
  return `<section aria-labelledby="message-${name}"><h3 id="message-${name}">${escapeHtml(name)}</h3><p>${proseToHtml(description)}</p>
${table('Fields, in their order on the wire', ['name', 'type', 'meaning'], rows)}
${examples.map((each) => example(`Example of ${name}`, each)).join('')}</section>`;
}

function contentsToHtml({ groups, messages }: DocumentView): string {
  const operations = groups.flatMap(({ operations: each }) =>
    each.map(({ id, method, path }) => `<li><a href="#${id}"><code>${method} ${escapeHtml(path)}</code></a></li>`),
  );
  const named = messages.map(({ name }) => `<li>${messageLink(name)}</li>`);
  return `<nav aria-label="Contents"><ul>${operations.join('')}</ul><ul>${named.join('')}</ul></nav>`;
}

/** A whole page; its style is `pageStyle`, and there is nothing else to load. */
export function openApiToHtml(document: OpenApiDocument): string {
  const view = viewDocument(document);
  const groups = view.groups.map(
    ({ name, operations }) => `<h2>${escapeHtml(name)}</h2>${operations.map(operationToHtml).join('')}`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(view.title)} API ${escapeHtml(view.version)}</title><style>${pageStyle}</style></head>
<body><a class="skip" href="#operations">To the operations</a>
<header><h1>${escapeHtml(view.title)} API</h1><p class="quiet">Version ${escapeHtml(view.version)}; <a href="openapi.json">OpenAPI 3.1 as JSON</a></p>
<p>${proseToHtml(view.description)}</p>${contentsToHtml(view)}</header>
<main id="operations">${groups.join('')}<h2>messages</h2>${view.messages.map(messageToHtml).join('')}</main></body></html>
`;
}

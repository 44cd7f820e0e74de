/** What a request's path names: `dbs/<db>/colls/<container>/docs/<id>`, or a list of such things when the last is missing. */
import { unknown } from './refusal.ts';

export interface Target {
  /** As in the signature: `dbs`, `colls`, `docs`, or empty for the account. */
  readonly resourceType: string;
  /** As in the signature: the link of the thing, or of the thing that the list belongs to. */
  readonly resourceLink: string;
  readonly database: string | undefined;
  readonly container: string | undefined;
  readonly document: string | undefined;
}

const kinds = ['dbs', 'colls', 'docs'] as const;

/** Throws a 400 on a path of any other form. */
export function parseTarget(path: string): Target {
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent);
  const last = parts.length % 2 === 1 ? parts.at(-1)! : (parts.at(-2) ?? '');
  const names: (string | undefined)[] = [];
  for (let i = 0; i < parts.length; i += 2) {
    const kind = kinds[i / 2];
    if (kind === undefined || parts[i] !== kind) throw unknown(`the path ${path}`);
    names.push(parts[i + 1]);
  }
  const [database, container, document] = names;
  const link = (parts.length % 2 === 1 ? parts.slice(0, -1) : parts).join('/');
  return { resourceType: last, resourceLink: link, database, container, document };
}

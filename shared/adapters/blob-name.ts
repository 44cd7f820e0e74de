/**
 * The names that every blob store takes: `/`-separated segments of [A-Za-z0-9._-], none of them `.` or `..`. They need no
 * escaping in a URL and cannot leave a folder, so a name is a path and a URL as it stands.
 */
import { TidemarkError } from '../core/errors.ts';
import { type Container, containers } from '../ports/blob-store.ts';

/** Azure's own bound on blob names. */
const nameCharactersMax = 1_024;
const namePattern = /^[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/;

export function isBlobName(name: string): boolean {
  if (name.length > nameCharactersMax || !namePattern.test(name)) return false;
  return name.split('/').every((segment) => segment !== '.' && segment !== '..');
}

/** Throws `malformed` on anything but a blob name. The name itself stays out of the message: it may be hostile. */
export function checkBlobName(name: string): void {
  if (!isBlobName(name)) {
    throw new TidemarkError('malformed', 'a blob name has segments of letters, digits, ".", "_" and "-" only');
  }
}

export function isContainer(text: string): text is Container {
  return containers.some((container) => container === text);
}

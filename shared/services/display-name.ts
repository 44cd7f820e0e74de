import { TidemarkError } from '../core/errors.ts';

/** A name for people: not blank, no control characters (they would end up in terminals and file names). */
export function checkDisplayName(name: string, field: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what this looks for
  if (name.trim() === '' || /[\u0000-\u001f\u007f-\u009f]/.test(name)) {
    throw new TidemarkError('malformed', `${field} must have a visible character and no control characters`, {
      data: { field },
    });
  }
  return name;
}

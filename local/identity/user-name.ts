/** The user names that the development issuer accepts; a user's subject is the name itself. */
const pattern = /^[A-Za-z0-9._@-]{1,64}$/;

export const userNameRule = 'a user name has 1 to 64 letters, digits, dots, underscores, hyphens or @';

export function isUserName(value: unknown): value is string {
  return typeof value === 'string' && pattern.test(value);
}

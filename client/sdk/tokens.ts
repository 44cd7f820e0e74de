/** Where access tokens come from: the CLI's credential file, a device flow, or a fixed one in tests. */
export interface TokenSource {
  /** A token that is believed to be valid. Throws `unauthenticated` when there is none: the person must log in. */
  token(): Promise<string>;
  /** Called once after a 401 with the token that was refused: a new one, or throws `unauthenticated`. */
  renew(refused: string): Promise<string>;
}

/** `tide logout`: forgets the tokens of this machine, and ends them at the identity provider where it lets us. */
import { errorToText } from './errors.ts';
import { type DefineCommand, type ServerOption, newCommand, serverOption } from './command.ts';
import { openCredentials } from './credentials.ts';
import { revokeLogin } from './identity.ts';

interface LogoutOptions extends ServerOption {
  readonly all?: boolean;
}

interface LoggedOut {
  readonly server: string;
  readonly user: string;
  /** Whether the issuer ended the refresh token. */
  readonly revoked: boolean;
  readonly problem: string | null;
}

export const logoutCommand: DefineCommand = (context) =>
  newCommand('logout', 'forget a login on this machine', [
    'tide logout',
    'tide logout --server https://sync.example.com',
    'tide logout --all',
  ])
    .option(...serverOption)
    .option('--all', 'log out of every server')
    .action(async (options: LogoutOptions) => {
      const store = openCredentials(context.configFolder);
      const names = options.all === true ? store.servers() : [store.get(options.server).server];
      const loggedOut: LoggedOut[] = [];
      for (const name of names) {
        const { server, credential } = store.get(name);
        // First here: what follows may fail, and a login that was to be forgotten must not stay for that.
        await store.remove(server);
        const ended = await revokeLogin(credential).then(
          (revoked) => ({ revoked, problem: null }),
          (error: unknown) => ({ revoked: false, problem: errorToText(error) }),
        );
        loggedOut.push({ server, user: credential.user, ...ended });
      }
      for (const { problem } of loggedOut) {
        if (problem !== null) context.note(options, `${problem}; the token ends by itself when it runs out`);
      }
      context.print(options, { loggedOut }, () => [
        ...loggedOut.map(({ server, user }) => `Logged out of ${server}, where you were ${user}.`),
        ...(loggedOut.length === 0
          ? ['Nobody was logged in.']
          : ['Linked folders stay linked, and their devices registered: `tide devices revoke` ends those.']),
      ]);
    });

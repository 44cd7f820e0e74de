/** `tide whoami`: who the server takes you for. */
import { base64urlToBytes, utf8ToText } from '../../shared/core/bytes.ts';
import { type DefineCommand, type ServerOption, newCommand, serverOption } from './command.ts';
import { connect } from './connection.ts';
import { tableToLines } from './context.ts';
import { openCredentials } from './credentials.ts';
import { userIdOf } from './user-id.ts';

interface WhoamiOptions extends ServerOption {
  readonly offline?: boolean;
}

/** What an access token says of itself, for people: nothing of it is checked, and one that is no JWT says nothing. */
function tokenToScopes(token: string): readonly string[] {
  try {
    const claims = JSON.parse(utf8ToText(base64urlToBytes(token.split('.')[1] ?? ''))) as Record<string, unknown>;
    const scope = claims['scope'] ?? claims['scp'];
    return typeof scope === 'string' ? scope.split(' ').filter((each) => each !== '') : [];
  } catch {
    return [];
  }
}

export const whoamiCommand: DefineCommand = (context) =>
  newCommand('whoami', 'show who you are logged in as, and for how long', [
    'tide whoami',
    'tide whoami --json | jq -r .userId',
    'tide whoami --offline',
  ])
    .option(...serverOption)
    .option('--offline', 'as far as this machine knows, without asking the server')
    .action(async (options: WhoamiOptions) => {
      if (options.offline !== true) await connect(context, options.server).api.listDevices(context.signal);
      const { server, credential } = openCredentials(context.configFolder).get(options.server);
      const data = {
        server,
        user: credential.user,
        userId: userIdOf(credential),
        issuer: credential.issuer,
        expires: new Date(credential.expiresMs).toISOString(),
        renewable: credential.refreshToken !== null,
        scopes: tokenToScopes(credential.accessToken),
        checked: options.offline !== true,
      };
      context.print(options, data, () =>
        tableToLines([
          ['user', data.user],
          ['id', data.userId],
          ['server', server],
          ['issuer', data.issuer],
          ['token ends', `${data.expires}${data.renewable ? ', and is renewed by itself' : ''}`],
          ['scopes', data.scopes.join(' ')],
        ]),
      );
    });

/** `tide login`: who you are, by the server's identity provider. */
import { type DefineCommand, newCommand } from './command.ts';
import { connectAnonymously } from './connection.ts';
import type { OutputOptions } from './context.ts';
import { normaliseServer, openCredentials } from './credentials.ts';
import { loginByDevice, loginForDevelopment } from './identity.ts';
import { usageError } from './usage-error.ts';

interface LoginOptions extends OutputOptions {
  readonly server: string;
  readonly dev?: boolean;
  readonly user?: string;
}

export const loginCommand: DefineCommand = (context) =>
  newCommand('login', 'log in to a server', [
    'tide login --server https://sync.example.com',
    'tide login --dev --server http://127.0.0.1:7071 --user ann',
  ])
    .requiredOption('--server <url>', 'address of the server')
    .option('--dev', 'on a local development stack: log in as --user, no password asked')
    .option('--user <name>', 'with --dev: the user to be')
    .action(async (options: LoginOptions) => {
      const server = normaliseServer(options.server);
      const configuration = await connectAnonymously(server).configuration(context.signal);
      if (options.dev === true && options.user === undefined) {
        throw usageError('--dev needs --user NAME');
      }
      const credential =
        options.dev === true
          ? await loginForDevelopment(configuration, options.user!, Date.now())
          : await loginByDevice(
              configuration,
              () => Date.now(),
              ({ url, code }) => context.note({}, `Open ${url}\nand confirm the code ${code}`),
              context.signal,
            );
      await openCredentials(context.configFolder).save(server, credential);
      context.print(options, { server, user: credential.user }, () => [
        `Logged in to ${server} as ${credential.user}.`,
      ]);
    });

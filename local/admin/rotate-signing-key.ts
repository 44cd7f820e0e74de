/** `rotate-signing-key`: a new key for the journal's signatures, endorsed by the one before it. */
import { rotateSigningKey } from '../../functions/compose/signer.ts';
import { systemClock } from '../../shared/adapters/node/system-clock.ts';
import { type AdminOptions, type DefineAdmin, newAdminCommand, timeToText } from './context.ts';

interface RotateOptions extends AdminOptions {
  readonly urgent?: boolean;
}

export const rotateSigningKeyCommand: DefineAdmin = (context) =>
  newAdminCommand(
    'rotate-signing-key',
    'make a new key that signs heads; devices take it on the word of the one before',
    ['rotate-signing-key', 'rotate-signing-key --urgent'],
  )
    .option('--urgent', 'in a key vault: sign as soon as an instance reads it, not when all know it')
    .action(async (options: RotateOptions) => {
      const { signingKeys } = context.config(options);
      const rotation = await rotateSigningKey(signingKeys, systemClock, options.urgent === true);
      const { keyId, previousKeyId, signsFromMs } = rotation;
      context.print(options, rotation, () => [
        previousKeyId === null ? `${keyId}: the first key` : `${keyId}: follows ${previousKeyId}`,
        signsFromMs === null
          ? 'It signs as soon as the service reads it.'
          : `It signs from ${timeToText(signsFromMs)}.`,
      ]);
    });

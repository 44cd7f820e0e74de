/** `tide devices list|revoke`: the devices that sync as you. */
import { Command } from 'commander';
import { TidemarkError } from '../../shared/core/errors.ts';
import type { DeviceView } from '../../shared/core/wire/device.ts';
import { type DefineCommand, addDefaultCommand, type ServerOption, newCommand, serverOption } from './command.ts';
import { type ConfirmOptions, confirm, yesOption } from './confirm.ts';
import { connect } from './connection.ts';
import { emphasise, nameToText, tableToLines } from './context.ts';

/** Shortest beginning of an id that is taken for it. */
const idPrefixMin = 6;

function toJson({ deviceId, name, createdMs, revokedMs }: DeviceView): Record<string, unknown> {
  const revoked = revokedMs === null ? null : new Date(revokedMs).toISOString();
  return { deviceId, name, created: new Date(createdMs).toISOString(), revoked };
}

function toRow({ deviceId, name, createdMs, revokedMs }: DeviceView): string[] {
  const state = revokedMs === null ? '' : `revoked ${new Date(revokedMs).toISOString().slice(0, 10)}`;
  return [nameToText(name), new Date(createdMs).toISOString().slice(0, 10), deviceId, state];
}

/** The standing device of this name, id or beginning of an id. Throws `not-found`, or `conflict` when there are several. */
export function findDevice(devices: readonly DeviceView[], text: string): DeviceView {
  const isMeant = ({ name, deviceId }: DeviceView): boolean =>
    name === text || deviceId === text || (text.length >= idPrefixMin && deviceId.startsWith(text));
  const meant = devices.filter(isMeant);
  const standing = meant.filter(({ revokedMs }) => revokedMs === null);
  const found = standing.length === 0 ? meant : standing;
  if (found.length === 1) return found[0]!;
  const ids = found.map(({ deviceId }) => deviceId).join(', ');
  throw found.length === 0
    ? new TidemarkError('not-found', `you have no device "${text}"; \`tide devices\` shows them`)
    : new TidemarkError('conflict', `several devices are called "${text}"; name one by its id: ${ids}`);
}

const listDevices: DefineCommand = (context) =>
  newCommand('list', 'list your devices', ['tide devices', 'tide devices list --all --json'])
    .option('-a, --all', 'those that were revoked, too')
    .option(...serverOption)
    .action(async (options: ServerOption & { readonly all?: boolean }) => {
      const every = await connect(context, options.server).api.listDevices(context.signal);
      const devices = every.filter(({ revokedMs }) => options.all === true || revokedMs === null);
      context.print(options, { devices: devices.map(toJson) }, () => {
        if (devices.length === 0) return ['No devices yet. `tide link` makes one of a folder.'];
        return tableToLines([['NAME', 'SINCE', 'ID', ''].map(emphasise), ...devices.map(toRow)]);
      });
    });

const revokeDevice: DefineCommand = (context) =>
  newCommand('revoke', 'take a device its access, for ever: when it was lost or sold', [
    'tide devices revoke "Ann\'s laptop"',
    'tide devices revoke 4c7d01 --yes',
  ])
    .argument('<device>', 'by name or id, or the first letters of its id')
    .option(...yesOption)
    .option(...serverOption)
    .action(async (text: string, options: ServerOption & ConfirmOptions) => {
      const { api } = connect(context, options.server);
      const device = findDevice(await api.listDevices(context.signal), text);
      const name = nameToText(device.name);
      if (device.revokedMs === null) {
        await confirm(context, options, `Revoke ${name} (${device.deviceId}) for ever? Its files stay on it.`);
      }
      const revoked = await api.revokeDevice(device.deviceId, context.signal);
      context.print(options, toJson(revoked), () => [
        `${name} syncs no more. If it was stolen, end its login at your identity provider too: a token names no device.`,
      ]);
    });

export const devicesCommand: DefineCommand = (context) =>
  addDefaultCommand(
    new Command('devices').description('your devices, and how to revoke one'),
    listDevices(context),
  ).addCommand(revokeDevice(context));

import { parseDeviceId } from '../../core/ids.ts';
import { deviceList, deviceView, registerDeviceRequest } from '../../core/wire/device.ts';
import { listDevices } from '../../services/list-devices.ts';
import { registerDevice } from '../../services/register-device.ts';
import { revokeDevice } from '../../services/revoke-device.ts';
import { type Route, mustGetParam, route } from '../route.ts';

export const deviceRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/devices',
    scope: 'sync.write',
    summary: 'Register a device of the caller',
    description: 'The same user and token give the same device, so a repeat is harmless.',
    request: registerDeviceRequest,
    response: deviceView,
    run: (deps, { caller, body }) => registerDevice(deps, { caller, request: body }),
  }),
  route({
    method: 'GET',
    path: '/devices',
    scope: 'sync.read',
    summary: 'The devices of the caller, revoked ones too',
    request: null,
    response: deviceList,
    run: async (deps, { caller }) => ({ devices: await listDevices(deps, { caller }) }),
  }),
  route({
    method: 'DELETE',
    path: '/devices/{device}',
    scope: 'sync.write',
    summary: 'Take a device of the caller its access, for ever',
    description:
      'It neither uploads nor commits from then on. Its files stay where they are. A repeat changes nothing.',
    request: null,
    response: deviceView,
    run: (deps, { caller, params }) =>
      revokeDevice(deps, { caller, deviceId: parseDeviceId(mustGetParam(params, 'device')) }),
  }),
];

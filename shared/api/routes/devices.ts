import { deviceView, registerDeviceRequest } from '../../core/wire/device.ts';
import { registerDevice } from '../../services/register-device.ts';
import { type Route, route } from '../route.ts';

export const deviceRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/devices',
    scope: 'sync.write',
    request: registerDeviceRequest,
    response: deviceView,
    run: (deps, { caller, body }) => registerDevice(deps, { caller, request: body }),
  }),
];

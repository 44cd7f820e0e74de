/**
 * The Functions app: registers every trigger. Loading this module is what the Functions host does; nothing is opened until the first
 * call, which builds the service once (compose/service.ts).
 */
import { app } from '@azure/functions';
import { registerAdmin } from './admin.ts';
import { buildService } from './compose/service.ts';
import { readConfig } from './config.ts';
import { registerDevices } from './devices.ts';
import { registerFallback } from './fallback.ts';
import { registerManifests } from './manifests.ts';
import { registerQuarantine } from './quarantine.ts';
import { registerProjectVersions } from './project-versions.ts';
import { registerRealtime } from './realtime.ts';
import { registerServerInfo } from './server-info.ts';
import { once } from './service.ts';
import { registerSweep } from './sweep.ts';
import { registerTailChangeFeed } from './tail-change-feed.ts';
import { registerTransfer } from './transfer.ts';
import { registerUnsettled } from './unsettled.ts';
import { registerVerifyPack } from './verify-pack.ts';
import { registerWorkspaces } from './workspaces.ts';

const getService = once(async () => buildService(readConfig(process.env)));

app.setup({ enableHttpStream: true });
registerServerInfo(getService);
registerWorkspaces(getService);
registerDevices(getService);
registerTransfer(getService);
registerManifests(getService);
registerAdmin(getService);
registerRealtime(getService);
registerFallback(getService);
registerVerifyPack(getService);
registerQuarantine(getService);
registerTailChangeFeed(getService);
registerUnsettled(getService);
registerSweep(getService);
registerProjectVersions(getService);

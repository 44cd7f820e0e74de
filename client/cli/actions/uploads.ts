/** How far the uploads of the workspace's other devices are, as far as a running agent has heard of them. */
import type { HeardUpload } from '../../agent/realtime/heard-uploads.ts';
import { defineAction, parseParams } from './action.ts';

export const uploadsAction = defineAction<Readonly<Record<string, never>>, readonly HeardUpload[]>({
  name: 'uploads',
  exclusive: false,
  parse: (value) => {
    parseParams(value, []);
    return {};
  },
  run: async ({ uploads }) => uploads?.list() ?? [],
});

/** Whether the folder's files are read-only while the server cannot be reached. */
import { defineAction, parseFlag, parseParams } from './action.ts';

export interface ReadOnlyOffline {
  readonly readOnlyOffline: boolean;
}

export const readOnlyOfflineAction = defineAction<ReadOnlyOffline, ReadOnlyOffline>({
  name: 'read-only-offline',
  parse: (value) => {
    const { readOnlyOffline } = parseParams(value, ['readOnlyOffline']);
    return { readOnlyOffline: parseFlag(readOnlyOffline, 'readOnlyOffline') };
  },
  run: async ({ journal }, { readOnlyOffline }) => {
    journal.meta.readOnlyOffline = readOnlyOffline;
    return { readOnlyOffline };
  },
});

/** The `Transfer` of one synced folder. */
import type { Transfer } from '../ports.ts';
import type { TransferSetting } from './services.ts';
import { uploadFiles } from './upload.ts';

export function createTransfer(setting: TransferSetting): Transfer {
  return {
    count: setting.count,
    upload: (files, proven, signal) => uploadFiles(setting, files, proven, signal),
  };
}

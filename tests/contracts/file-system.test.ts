import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { createNodeFileSystem } from '../../client/agent/folder/node-file-system.ts';
import { SimulatedFileSystem } from '../sim/simulated-file-system.ts';
import { fileSystemContract } from './file-system.contract.ts';

const scratch = mkdtempSync(join(tmpdir(), 'tidemark-fs-'));
after(() => rmSync(scratch, { recursive: true }));

fileSystemContract('node:fs', () => ({ fs: createNodeFileSystem(), root: mkdtempSync(join(scratch, 'root-')) }));

fileSystemContract('simulated', () => {
  const fs = new SimulatedFileSystem();
  fs.makeFolder('/root');
  return { fs, root: '/root' };
});

fileSystemContract('simulated, inodes reused', () => {
  const fs = new SimulatedFileSystem({ reusesInodes: true });
  fs.makeFolder('/root');
  return { fs, root: '/root' };
});

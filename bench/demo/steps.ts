/** The story that the demo tells: each step changes real files on one device and lets both sync. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SpawnedStack } from '../../local/spawn-stack.ts';
import type { Device, SyncFigures } from './device.ts';
import { writeNoise } from './source-tree.ts';

const MiB = 1024 * 1024;

export interface Stage {
  readonly laptop: Device;
  readonly desktop: Device;
  readonly data: string;
  stack: SpawnedStack;
  restartStack(): Promise<void>;
}

export interface StepFigures {
  readonly step: string;
  readonly sent: number;
  readonly received: number;
  readonly requests: number;
  readonly chunksNew: number;
  readonly seconds: number;
}

export interface Step {
  readonly title: string;
  run(stage: Stage): Promise<readonly SyncFigures[]>;
}

async function thereAndBack({ laptop, desktop }: Stage): Promise<SyncFigures[]> {
  return [await laptop.sync(), await desktop.sync()];
}

const firstSync: Step = { title: 'laptop sends everything', run: async ({ laptop }) => [await laptop.sync()] };
const secondDevice: Step = { title: 'desktop receives everything', run: async ({ desktop }) => [await desktop.sync()] };

const insertByte: Step = {
  title: 'one byte inserted at the front of 256 MiB',
  run: async (stage) => {
    const file = join(stage.laptop.folder, 'large.bin');
    writeFileSync(file, Buffer.concat([Buffer.from([42]), readFileSync(file)]));
    return thereAndBack(stage);
  },
};

const renameFolder: Step = {
  title: 'a folder of thousands of files renamed',
  run: async (stage) => {
    renameSync(join(stage.laptop.folder, 'library'), join(stage.laptop.folder, 'library renamed'));
    const figures = await thereAndBack(stage);
    assert.ok(existsSync(join(stage.desktop.folder, 'library renamed')), 'the folder has its new name on the desktop');
    assert.ok(!existsSync(join(stage.desktop.folder, 'library')), 'and not its old one');
    return figures;
  },
};

const editApart: Step = {
  title: 'both edit one file while apart',
  run: async ({ laptop, desktop }) => {
    writeFileSync(join(laptop.folder, 'notes.txt'), 'first version\n');
    const before = [await laptop.sync(), await desktop.sync()];
    writeFileSync(join(laptop.folder, 'notes.txt'), 'what the laptop wrote\n');
    writeFileSync(join(desktop.folder, 'notes.txt'), 'what the desktop wrote\n');
    const after = [await laptop.sync(), await desktop.sync(), await laptop.sync()];
    for (const { folder } of [laptop, desktop]) {
      const copies = readdirSync(folder).filter((name) => name.startsWith('notes'));
      const texts = copies.map((name) => readFileSync(join(folder, name), 'utf8')).sort();
      assert.deepEqual(texts, ['what the desktop wrote\n', 'what the laptop wrote\n'], 'nothing is lost');
    }
    return [...before, ...after];
  },
};

const deleteFolder: Step = {
  title: 'a file deleted',
  run: async (stage) => {
    rmSync(join(stage.laptop.folder, 'notes.txt'));
    const figures = await thereAndBack(stage);
    assert.ok(!existsSync(join(stage.desktop.folder, 'notes.txt')), 'the file is gone on the desktop too');
    return figures;
  },
};

/** Resolves with false after `ms` milliseconds. */
function pause(ms: number): Promise<boolean> {
  return new Promise((resolve) => setTimeout(() => resolve(false), ms));
}

/** Bytes of blobs that the server holds: files of its own, or those in which Azurite keeps them. */
function bytesStored(data: string): number {
  return [join(data, 'blobs', 'chunks'), join(data, 'azurite', 'data', 'blobs')]
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder, { recursive: true }).map((name) => join(folder, String(name))))
    .map((path) => statSync(path, { throwIfNoEntry: false }))
    .reduce((sum, found) => sum + (found?.isFile() === true ? found.size : 0), 0);
}

const killServer: Step = {
  title: 'server killed with -9 in mid-upload, then started again',
  run: async (stage) => {
    writeNoise(join(stage.laptop.folder, 'more.bin'), 96 * MiB, 2);
    const before = bytesStored(stage.data);
    const syncing = stage.laptop.sync();
    syncing.catch(() => undefined);
    const ended = syncing.then(
      () => true,
      () => true,
    );
    let early = false;
    while (!early && bytesStored(stage.data) < before + MiB) early = await Promise.race([ended, pause(5)]);
    assert.ok(!early, 'the upload was still under way when the server was killed');
    await stage.stack.kill();
    await stage.restartStack();
    const figures = await syncing;
    return [figures, await stage.desktop.sync()];
  },
};

export const steps: readonly Step[] = [
  firstSync,
  secondDevice,
  insertByte,
  renameFolder,
  editApart,
  deleteFolder,
  killServer,
];

export function sumFigures(step: string, figures: readonly SyncFigures[]): StepFigures {
  const sum = (pick: (each: SyncFigures) => number) => figures.reduce((total, each) => total + pick(each), 0);
  return {
    step,
    sent: sum((each) => each.bytesSent),
    received: sum((each) => each.bytesReceived),
    requests: sum((each) => each.requests),
    chunksNew: sum((each) => each.chunksNew),
    seconds: Number(sum((each) => each.seconds).toFixed(2)),
  };
}

/**
 * A history without concurrent edits: one thing is done, its device syncs, the others come to have it, and only then is the next thing done. What
 * comes out depends on no timing, and so on no notification either: only on whether devices meet at all. Nothing fails in it
 * but notifications.
 */
import { pace } from '../../client/agent/watch/pace.ts';
import { Broken } from './broken.ts';
import { checkRest } from './checks.ts';
import type { Delivery } from './notifications.ts';
import { drawProfile, faultKinds } from './profile.ts';
import { Random } from './random.ts';
import { type Tree, readTree } from './tree.ts';
import { World } from './world.ts';

export interface QuietOptions {
  readonly seed: number;
  readonly delivery: Delivery;
  /** Whether devices also hear what is not so. */
  readonly lies: boolean;
  /** Things that are done. */
  readonly acts: number;
}

export interface QuietResult {
  readonly seq: number;
  /** What every device has in the end: their marks are the workspace's. */
  readonly tree: Tree;
  /** Questions that the devices asked of the server. */
  readonly questions: number;
}

/** Once to be told or to ask, once more for what a lie kept from being heard. */
const intervalsMax = 2;

/** Throws `Broken`. */
export async function playQuietly({ seed, delivery, lies, acts }: QuietOptions): Promise<QuietResult> {
  const random = new Random(String(seed));
  const drawn = drawProfile(random.stream('profile'), { without: new Set(faultKinds) });
  const world = new World(random, { ...drawn, delivery, lies: lies ? 0.5 : 0, operations: acts });
  await world.begin();
  world.isCalm = true;
  for (const { watch } of world.devices) watch.open();
  await world.afterStep();
  await world.drain();
  const turns = random.stream('turns');
  while (world.operationsLeft > 0) {
    const device = turns.pick(world.devices);
    world.act(device, '');
    const ended = device.user.finish();
    if (ended !== undefined) world.scheduler.note(`${device.agent.name} user ${ended}`);
    world.scheduler.nowMs += 2_001;
    world.startSync(device);
    if (turns.chance(world.profile.lies)) world.lie(turns.pick(world.devices));
    await world.drain();
    await meet(world);
  }
  await checkRest(world.devices, world.truth, true);
  const { seq } = world.truth.view;
  const tree = readTree(world.devices[0]!.agent.fs);
  return { seq, tree, questions: world.questions() };
}

/** Who has not heard finds out by itself, as time goes by. */
async function meet(world: World): Promise<void> {
  const { view } = world.truth;
  const isBehind = (): boolean => world.devices.some(({ agent }) => agent.journal.meta.head.seq < view.seq);
  for (let intervals = 0; isBehind(); intervals++) {
    if (intervals >= intervalsMax) throw new Broken('I8', 'a device neither hears of a commit nor asks');
    world.scheduler.nowMs += 1.25 * pace.livePollMs;
    await world.afterStep();
    await world.drain();
  }
}

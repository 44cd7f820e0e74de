/**
 * `npm run test:planner`: every tree of up to four nodes, and on each every pair of what two users can make of it in two acts each, with
 * the real planner and the real rules of merging between them. Too many for each test run, which tries a part (converge.test.ts).
 *
 *     node tests/agent/plan/exhaustive.ts [--nodes 4] [--acts 2] [--policy copy|latest] [--workers 2]
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { type Tried, tryEveryCase } from './two-devices/every-case.ts';
import { treesOf } from './two-devices/small-trees.ts';

interface Task {
  readonly nodes: number;
  readonly index: number;
}

interface Setting {
  readonly acts: number;
  readonly policy: 'copy' | 'latest';
}

async function work(): Promise<void> {
  const { acts, policy } = workerData as Setting;
  parentPort!.on('message', ({ nodes, index }: Task) => {
    void tryEveryCase(treesOf(nodes)[index]!, { mine: acts, theirs: acts }, policy).then(
      (tried) => parentPort!.postMessage(tried, []),
      (error: unknown) => {
        setImmediate(() => {
          throw error;
        });
      },
    );
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      nodes: { type: 'string', default: '4' },
      acts: { type: 'string', default: '2' },
      policy: { type: 'string', default: 'copy' },
      workers: { type: 'string', default: String(availableParallelism()) },
    },
  });
  const setting: Setting = { acts: Number(values.acts), policy: values.policy === 'latest' ? 'latest' : 'copy' };
  const tasks: Task[] = [];
  for (let nodes = Number(values.nodes); nodes >= 0; nodes--) {
    for (const index of treesOf(nodes).keys()) tasks.push({ nodes, index });
  }
  const trees = tasks.length;
  const began = performance.now();
  let [cases, rounds, done] = [0, 0, 0];
  const run = async (): Promise<void> => {
    const worker = new Worker(new URL(import.meta.url), { workerData: setting });
    for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) {
      const tried = await ask(worker, task);
      cases += tried.cases;
      rounds = Math.max(rounds, tried.rounds);
      process.stderr.write(`${++done} of ${trees} trees, ${cases} cases\n`);
    }
    await worker.terminate();
  };
  await Promise.all(Array.from({ length: Number(values.workers) }, run));
  const seconds = Math.round((performance.now() - began) / 1_000);
  console.log(JSON.stringify({ ...setting, nodesMax: Number(values.nodes), trees, cases, roundsMax: rounds, seconds }));
}

function ask(worker: Worker, task: Task): Promise<Tried> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      worker.off('message', onMessage);
      worker.off('error', onError);
    };
    const onMessage = (tried: Tried): void => {
      settle();
      resolve(tried);
    };
    const onError = (error: unknown): void => {
      settle();
      reject(error);
    };
    worker.on('message', onMessage);
    worker.on('error', onError);
    worker.postMessage(task, []);
  });
}

if (isMainThread) await main();
else await work();

/** What this machine gives to every folder. */
import { readFileSync } from 'node:fs';
import { countToText } from '../context.ts';
import { type Finding, fail, ok, warn } from './check.ts';

const nodeMajorMin = 24;
const openFilesMin = 1_024;

export function checkNode(versions: { readonly node: string }): Finding {
  const major = Number(versions.node.split('.')[0]);
  if (major >= nodeMajorMin) return ok(`Node ${versions.node}`);
  return fail(`Node ${versions.node} is too old`, `install Node ${nodeMajorMin} or later`);
}

/** `limits`: what /proc/self/limits holds; undefined where there is no such file. */
export function checkOpenFiles(limits: string | undefined): Finding {
  const soft = /^Max open files +(\d+)/m.exec(limits ?? '')?.[1];
  if (soft === undefined) return ok('this system tells no limit of open files');
  if (Number(soft) >= openFilesMin) return ok(`${soft} files may be open at once`);
  return warn(`only ${soft} files may be open at once`, `raise it: ulimit -n ${openFilesMin}`);
}

/** Whether Node was told to believe any server. */
export function checkTls(server: string, env: NodeJS.ProcessEnv): Finding {
  if (env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') {
    return fail('NODE_TLS_REJECT_UNAUTHORIZED=0: anybody can pretend to be the server', 'unset it');
  }
  if (server.startsWith('https:')) return ok('https, certificates are checked');
  return ok('plain http, to this machine only');
}

/** A watch is needed for each folder. `max`: of /proc/sys/fs/inotify/max_user_watches; undefined where there is no such file. */
export function checkInotify(folders: number, max: number | undefined): Finding {
  if (max === undefined) return ok('this system watches a whole tree at once');
  const detail = `${countToText(folders, 'folder')}, ${max} watches for all programs of this user`;
  if (folders <= max * 0.8) return ok(detail);
  const advice = `sudo sysctl fs.inotify.max_user_watches=${Math.max(524_288, 2 * folders)}`;
  return warn(`${detail}: changes may be noticed late`, advice);
}

export function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

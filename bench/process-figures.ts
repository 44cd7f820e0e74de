/** What a process has cost, as Linux tells it; NaN on other systems and of processes that have ended. */
import { readFileSync } from 'node:fs';

/** Of the clock in which Linux counts; fixed for user space. */
const ticksPerSecond = 100;

function read(pid: number | undefined, file: 'stat' | 'status'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

/** Seconds of processor time since it began, of all its threads. */
export function cpuSeconds(pid: number | undefined): number {
  const stat = read(pid, 'stat');
  // The name, in parentheses, may hold anything; the fields after it are numbers. User time is the twelfth of them, system time the next.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11] ?? Number.NaN) + Number(fields[12] ?? Number.NaN)) / ticksPerSecond;
}

/** Resident memory, MiB. */
export function memoryMiB(pid: number | undefined): number {
  return Number(/VmRSS:\s+(\d+)/.exec(read(pid, 'status'))?.[1] ?? Number.NaN) / 1_024;
}

/** Milliseconds of a clock that all processes of the machine share. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

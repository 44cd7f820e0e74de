/**
 * Loaded into a measured process before its own code: when the process ends, it writes down the most memory that it ever had
 * resident and the processor time it took, all threads included, to the file that TIDEMARK_PEAK_FILE names. On Linux the memory is
 * VmHWM, since the maximum that getrusage gives there begins with what the parent had. It is plain JavaScript, so that loading it
 * costs the measured process next to nothing.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

function peakBytes() {
  try {
    const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/mu.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    if (kibibytes !== undefined) return Number(kibibytes) * 1_024;
  } catch {
    // Not Linux.
  }
  return process.resourceUsage().maxRSS * 1_024;
}

const file = process.env.TIDEMARK_PEAK_FILE;
function note(path) {
  const { user, system } = process.cpuUsage();
  writeFileSync(path, JSON.stringify({ peakBytes: peakBytes(), processorSeconds: (user + system) / 1e6 }));
}

if (isMainThread && file !== undefined) process.on('exit', () => note(file));

/** `tide login` without shortcuts: the device flow, with a browser elsewhere. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createBrowser } from '../local/identity/browser.ts';
import { type World, openWorld } from './world.ts';

const tideScript = fileURLToPath(new URL('../../bin/tide.js', import.meta.url));
let world: World;

before(async () => {
  world = await openWorld();
});
after(() => world.close());

/** Confirms the code in a browser and signs in as `user`. */
async function confirmInBrowser(url: string, user: string): Promise<void> {
  const browser = createBrowser();
  const confirm = await browser.submit(await browser.open(url), {});
  const signIn = await browser.submit(confirm, { confirm: 'yes' });
  assert.match((await browser.submit(signIn, { user })).html, /You can close this page/);
}

test(
  'the command shows where to go, waits, and is logged in as whoever the browser said',
  { timeout: 60_000 },
  async () => {
    const home = join(world.base, 'device-home');
    const child = spawn(process.execPath, [tideScript, 'login', '--server', world.stack.endpoints.server, '--json'], {
      env: { ...process.env, TIDE_HOME: home },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
    for await (const line of createInterface({ input: child.stderr })) {
      const url = /^Open (\S+)$/.exec(line)?.[1];
      if (url !== undefined) await confirmInBrowser(url, 'dora');
    }
    assert.equal(await ended, 0);
    assert.equal((JSON.parse(printed) as { user: string }).user, 'dora');
    assert.match(readFileSync(join(home, 'credentials.json'), 'utf8'), /refreshToken/);
  },
);

/** The guard over the output of the test run: what it finds, and that it fails the run that wrote it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createTemporaryFolder } from '../contracts/temporary-folder.ts';
import { redact } from '../../shared/api/redact.ts';
import { assertNoSecret, findSecret } from './find-secret.ts';

/** As in package.json. */
const guard = './tests/secrets/guard.ts';

/** Made here, so that no file has what looks like a secret. */
const secrets: Readonly<Record<string, string>> = {
  'a signature': `http://host/chunks/x?sp=c&se=2026&sig=${randomBytes(32).toString('base64url')}`,
  'an encoded signature': `url=http%3A%2F%2Fhost%3Fsp%3Dc%26sig%3D${randomBytes(32).toString('hex')}`,
  'a signature as Azure writes it': `?sv=1&sig=${encodeURIComponent(randomBytes(32).toString('base64'))}&se=2`,
  'a token': `token eyJ${randomBytes(12).toString('base64url')}.${randomBytes(60).toString('base64url')}.${randomBytes(32).toString('base64url')}`,
  'a bearer header': `authorization: Bearer ${randomBytes(32).toString('hex')}`,
  'a private key': `-----BEGIN PRIVATE KEY-----\n${randomBytes(48).toString('base64')}\n-----END PRIVATE KEY-----`,
  'an account key': `DefaultEndpointsProtocol=http;AccountName=a;AccountKey=${randomBytes(64).toString('base64')};`,
  'a URL of the realtime service': `ws://127.0.0.1:1/client/hubs/h?access_token=${randomBytes(32).toString('base64url')}&seats=x`,
  'an encoded URL of the realtime service': `url=ws%3A%2F%2Fhost%2F%3Faccess_token%3D${randomBytes(32).toString('hex')}`,
  'a connection string of the realtime service': `Endpoint=http://127.0.0.1:1;AccessKey=${randomBytes(32).toString('base64')};Version=1.0;`,
  'a private JSON Web Key': JSON.stringify({ kty: 'OKP', d: randomBytes(32).toString('base64url') }),
};

describe('what is a secret', () => {
  for (const [name, text] of Object.entries(secrets)) {
    test(`${name} is found, and not after it was taken out`, () => {
      assert.ok(findSecret(text), name);
      assert.throws(() => assertNoSecret(`some words ${text}`, 'a test'), /stands in a test/);
      assert.equal(findSecret(redact(text)), undefined, redact(text));
    });
  }

  test('names, hashes and addresses are none', () => {
    const hash = randomBytes(32).toString('hex');
    for (const text of [
      hash,
      `sig=`,
      'sig=…',
      '?access_token=…&seats=AAAA',
      'AccessKey=…;Version=1.0;',
      `/chunks/${hash}/${hash}.blob`,
      'eyJ',
      'Bearer realm="tidemark"',
    ]) {
      assert.equal(findSecret(text), undefined, text);
    }
  });
});

interface Run {
  readonly code: number;
  readonly output: string;
}

async function runGuarded(t: test.TestContext, lines: readonly string[], secret: string): Promise<Run> {
  const folder = await createTemporaryFolder(t);
  const file = path.join(folder, 'one.test.mjs');
  await writeFile(file, ["import { test } from 'node:test';", ...lines].join('\n'));
  const args = ['--import', guard, '--test', '--test-reporter=tap', file];
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return new Promise((resolve) => {
    const options = {
      env: { ...env, SECRET: Buffer.from(secret).toString('hex') },
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
    };
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      // What it printed holds the secret itself: it is looked at and not passed on.
      resolve({ code: error === null ? 0 : 1, output: (stdout + stderr).replaceAll(secret, 'SECRET') });
    });
  });
}

const reveal = "const secret = Buffer.from(process.env.SECRET, 'hex').toString();";
const signature = `https://host/chunks/x?sig=${randomBytes(32).toString('base64url')}`;

describe('a run of tests', () => {
  test('that writes none passes', async (t) => {
    const { code, output } = await runGuarded(t, ["test('quiet', () => console.log('all is well'));"], signature);
    assert.equal(code, 0, output);
  });

  test('may fork processes anywhere', async (t) => {
    const folder = await createTemporaryFolder(t);
    const lines = [
      "import { fork } from 'node:child_process';",
      "import { once } from 'node:events';",
      "import assert from 'node:assert/strict';",
      "import { writeFileSync } from 'node:fs';",
      "test('forks', async () => {",
      `  const [file, cwd] = ${JSON.stringify([path.join(folder, 'forked.mjs'), folder])};`,
      "  writeFileSync(file, 'process.send(1)');",
      '  const child = fork(file, { cwd });',
      "  assert.deepEqual(await once(child, 'exit'), [0, null]);",
      '});',
    ];
    const { code, output } = await runGuarded(t, lines, signature);
    assert.equal(code, 0, output);
  });

  for (const [where, lines] of Object.entries({
    'standard output': [reveal, "test('loud', () => console.log(secret));"],
    'standard error': [reveal, "test('loud', () => process.stderr.write(Buffer.from(secret)));"],
    'the output of a child': [
      "import { spawn } from 'node:child_process';",
      "import { once } from 'node:events';",
      "test('its child is loud', async () => {",
      '  const code = "console.error(Buffer.from(process.env.SECRET, \'hex\').toString())";',
      "  const child = spawn(process.execPath, ['-e', code]);",
      "  child.stderr.on('data', () => {});",
      "  await once(child, 'close');",
      '});',
    ],
  })) {
    test(`that writes one to ${where} fails, and says what and not which`, async (t) => {
      const { code, output } = await runGuarded(t, lines, signature);
      assert.equal(code, 1, output);
      assert.match(output, /A secret was written: a signature of a URL/);
    });
  }
});

/** Units of services: what is in paths must not be read as their syntax. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serviceUnit } from '../../client/cli/service-units.ts';

const command = {
  node: '/opt/no de/$HOME/100%/"n"/node',
  script: '/home/ann & co/<tide>.js',
  home: '/home/ann/$x 5%',
  logFile: '/home/ann/a&b.log',
};

test('systemd: words are quoted, specifiers and variables are escaped, nothing needs a privilege', () => {
  const unit = serviceUnit('systemd', command);
  assert.match(
    unit,
    /^ExecStart="\/opt\/no de\/\$\$HOME\/100%%\/\\"n\\"\/node" "\/home\/ann & co\/<tide>\.js" "watch"$/m,
  );
  assert.match(unit, /^Environment="TIDE_HOME=\/home\/ann\/\$x 5%%"$/m);
  assert.match(unit, /^Restart=on-failure$/m);
  assert.doesNotMatch(unit, /^(MemoryDenyWriteExecute|ProtectHome|PrivateTmp|User)=/m);
  assert.doesNotMatch(serviceUnit('systemd', { ...command, home: undefined }), /TIDE_HOME/);
});

test('launchd: an XML property list with the words one by one', () => {
  const plist = serviceUnit('launchd', command);
  assert.match(plist, /<string>\/home\/ann &amp; co\/&lt;tide&gt;\.js<\/string>\n {4}<string>watch<\/string>/);
  assert.match(plist, /<key>TIDE_HOME<\/key><string>\/home\/ann\/\$x 5%<\/string>/);
  assert.match(plist, /<string>\/home\/ann\/a&amp;b\.log<\/string>/);
});

test('task scheduler: one command line, its quotes escaped', () => {
  const task = serviceUnit('task-scheduler', {
    ...command,
    node: 'C:\\Program Files\\nodejs\\node.exe',
    script: 'C:\\t\\tide.js',
    home: undefined,
  });
  assert.match(task, /<Command>C:\\Program Files\\nodejs\\node\.exe<\/Command>/);
  assert.match(task, /<Arguments>&quot;C:\\t\\tide\.js&quot; watch<\/Arguments>/);
});

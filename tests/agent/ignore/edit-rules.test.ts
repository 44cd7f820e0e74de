import assert from 'node:assert/strict';
import { it } from 'node:test';
import { addRules } from '../../../client/agent/ignore/edit-rules.ts';
import { presetNames, presets } from '../../../client/agent/ignore/presets.ts';
import { parseRules, ruleLimits } from '../../../client/agent/ignore/rules.ts';
import { utf8 } from '../../../shared/core/bytes.ts';

it('patterns are added at the end, once, and what is there stays as it is', () => {
  const first = addRules('# mine\r\n*.o', ['*.log', '*.o', '*.log'], []);
  assert.deepEqual(first, { text: '# mine\r\n*.o\n*.log\n', added: ['*.log'] });
  assert.deepEqual(addRules(first.text, ['*.log'], []), { text: first.text, added: [] });
});

it('a preset is one block, and an older one is replaced where it is', () => {
  const { text } = addRules('', ['a'], ['node']);
  assert.deepEqual(addRules(text, [], ['node']), { text, added: [] });
  const older = text.replace('node_modules/\n', '');
  assert.deepEqual(addRules(`${older}last\n`, [], ['node']), { text: `${text}last\n`, added: ['node_modules/'] });
});

it('all presets together are a file of rules that devices take, each pattern one', () => {
  const parsed = parseRules(utf8(addRules('', [], presetNames).text));
  assert.ok(parsed.ok);
  assert.equal(
    parsed.rules.length,
    presetNames.reduce((sum, name) => sum + presets[name].length, 0),
  );
});

it('what is no pattern, and what would make the file too large, is refused', () => {
  for (const pattern of ['', '#x', '[', 'a\nb', '\\']) {
    assert.throws(() => addRules('', [pattern], []), { code: 'malformed' }, JSON.stringify(pattern));
  }
  const many = Array.from({ length: ruleLimits.patternsMax + 1 }, (_, i) => `p${i}`);
  assert.throws(() => addRules('', many, []), { code: 'too-large' });
});

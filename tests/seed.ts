/**
 * Loaded into every process of the test run: random tests draw from a seed that is the same in every run, so that a change never
 * fails for what it did not do. Whoever looks for news sets `SEED=random`, or a number; a failing property prints its seed.
 */
import * as fc from 'fast-check';
// Not about chance: it is here since this file is loaded first of all, wherever tests run.
import './code-cache.ts';

const gateSeed = 20_261_122;
const wanted = process.env['SEED'] ?? '';

if (wanted !== 'random')
  fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: wanted === '' ? gateSeed : Number(wanted) });

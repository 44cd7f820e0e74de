import { describe } from 'node:test';
import { testPart } from './gate.ts';

describe('the simulation', () => testPart(1));

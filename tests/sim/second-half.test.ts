import { describe } from 'node:test';
import { historiesOfPart, testPart } from './gate.ts';

describe('the simulation', () => testPart(1 + historiesOfPart));

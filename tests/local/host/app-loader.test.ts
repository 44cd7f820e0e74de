import assert from 'node:assert/strict';
import { it } from 'node:test';
import '@azure/functions';
import { isTidemarkError } from '../../../shared/core/errors.ts';
import { loadApp } from '../../../local/host/app-loader.ts';
import { createRecordingLogger } from './recording-logger.ts';

it('says so when @azure/functions was loaded before the host', async () => {
  const { app } = await import('@azure/functions');
  await assert.rejects(
    loadApp(() => app.http('early', { handler: () => ({}) }), createRecordingLogger()),
    (error) => isTidemarkError(error, 'conflict') && /before the host started/.test(error.message),
  );
});

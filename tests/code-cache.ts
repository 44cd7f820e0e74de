/**
 * Keeps compiled code between the processes of a test run, those of `tide` and of stacks included: each is there in half the time, since nothing
 * has to strip types anew. Node looks at the content of a file, so nothing old is ever run. Whoever wants none sets NODE_DISABLE_COMPILE_CACHE.
 */
import { fileURLToPath } from 'node:url';

// Beside the packages: kept over runs, and gone with them.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('../node_modules/.cache/tidemark-tests', import.meta.url));

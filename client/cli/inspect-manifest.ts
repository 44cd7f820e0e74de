/** `tide inspect manifest ROOT`: the segments and chunks of a content, as the server has them. */
import { TidemarkError } from '../../shared/core/errors.ts';
import {
  type DigestColumn,
  columnDigestAt,
  digestsToColumn,
  type Digest,
  parseDigest,
  parseDigestColumn,
} from '../../shared/core/ids.ts';
import { assembleManifest, decodeManifest } from '../../shared/core/manifest/manifest.ts';
import { type DefineCommand, type ServerOption, newCommand, serverOption } from './command.ts';
import { connect } from './connection.ts';
import { tableToLines } from './context.ts';
import { findWorkspace } from './find-workspace.ts';
import { usageError } from './usage-error.ts';

interface InspectManifestOptions extends ServerOption {
  readonly workspace: string;
}

function parseRoot(text: string): Digest {
  try {
    return parseDigest(text);
  } catch (cause) {
    throw usageError(`"${text}" is no root: 64 hexadecimal digits, as \`tide ls --json\` shows them`, cause);
  }
}

const none: DigestColumn = parseDigestColumn(new Uint8Array(0));

export const inspectManifestCommand: DefineCommand = (context) =>
  newCommand('manifest', "show a content's manifest: its segments and chunks", [
    'tide inspect manifest 9f2c… --workspace photos',
  ])
    .argument('<root>', 'the root of the content (`tide ls --json` shows it)')
    .requiredOption('-w, --workspace <name>', 'the workspace, by name or id')
    .option(...serverOption)
    .action(async (rootText: string, options: InspectManifestOptions) => {
      const root = parseRoot(rootText);
      const { api } = connect(context, options.server);
      const { workspaceId } = await findWorkspace(api, options.workspace, context.signal);
      const roots = digestsToColumn([root]);
      const [bytes] = (await api.readManifests({ workspaceId, roots, segments: none }, context.signal)).manifests;
      if (!bytes) {
        throw new TidemarkError(
          'not-found',
          'the workspace has no manifest of this root; a content of one chunk has none',
        );
      }
      const manifest = decodeManifest(bytes);
      const wanted = manifest.segments.map((segment) => segment.hash);
      const found = new Map<string, Uint8Array>();
      while (found.size < wanted.length) {
        const segments = digestsToColumn(wanted.slice(found.size));
        const page = (await api.readManifests({ workspaceId, roots: none, segments }, context.signal)).segments;
        if (page.length === 0) throw new TidemarkError('corrupt', 'the server lacks a segment of this manifest');
        for (const segment of page) {
          if (segment === null) throw new TidemarkError('corrupt', 'the server lacks a segment of this manifest');
          found.set(wanted[found.size]!, segment);
        }
      }
      const list = assembleManifest(root, manifest, (hash) => found.get(hash));
      const chunks = Array.from(list.lengths, (length, i) => ({ length, hash: columnDigestAt(list.hashes, i) }));
      const data = { root, profileId: manifest.profileId, size: manifest.size, segments: manifest.segments, chunks };
      context.print(options, data, () => [
        `profile ${data.profileId}, ${data.size} bytes, ${manifest.segments.length || 1} segments, ${chunks.length} chunks`,
        ...tableToLines(chunks.map((chunk) => [chunk.hash, String(chunk.length)])),
      ]);
    });

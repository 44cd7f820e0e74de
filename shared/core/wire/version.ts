/** Schema of a version vector, shared by the messages that carry one. */
import { limits } from '../limits.ts';
import type { VersionVector } from '../version-vector.ts';
import { type Schema, deviceId, integer, refuse } from './schema.ts';

const counter = integer(1);

function read(
  raw: unknown,
  path: string,
  readId: (raw: unknown, path: string) => VersionVector[number][0],
): VersionVector {
  if (!Array.isArray(raw) || raw.length > limits.versionVectorEntriesMax) refuse(path, 'a version vector');
  let last = '';
  return raw.map((pair: unknown, i) => {
    if (!Array.isArray(pair) || pair.length !== 2) refuse(path, 'a version vector');
    const [device, count] = pair as unknown[];
    const id = readId(device, `${path}[${i}]`);
    if (id <= last) refuse(path, 'a version vector sorted by device');
    last = id;
    return [id, counter.fromWire(count, `${path}[${i}]`)] as const;
  });
}

export const version: Schema<VersionVector> = {
  form: `version([${deviceId.form},${counter.form}],${limits.versionVectorEntriesMax})`,
  jsonSchema: (components) => ({
    type: 'array',
    description: 'Pairs of a device and how many changes it made, sorted by the bytes of the device.',
    maxItems: limits.versionVectorEntriesMax,
    items: {
      type: 'array',
      prefixItems: [deviceId.jsonSchema(components), counter.jsonSchema(components)],
      minItems: 2,
      maxItems: 2,
    },
  }),
  toWire: (value) => value.map(([device, count]) => [deviceId.toWire(device), count]),
  fromWire: (raw, path) => read(raw, path, deviceId.fromWire),
  toJson: (value) => value.map(([device, count]) => [deviceId.toJson(device), count]),
  fromJson: (raw, path) => read(raw, path, deviceId.fromJson),
};

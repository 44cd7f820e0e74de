import { TidemarkError } from '../../core/errors.ts';
import type { Lease, LeaseStore } from '../../ports/lease-store.ts';
import { fieldsOf, integerOf, textOf, textToId } from './document.ts';
import type { Document, Fields, Found } from './table.ts';
import type { Tables } from './tables.ts';

/** Some dozens of small documents, changed every some seconds: one partition. */
const leasesPk = 'leases';

/** Each lost one is a change by somebody else. */
const attemptsMax = 8;

function leaseToDocument(lease: Lease): Document {
  return { pk: leasesPk, id: textToId(lease.name), ...lease };
}

function fieldsToLease(fields: Fields): Lease {
  return {
    name: textOf(fields, 'name'),
    owner: textOf(fields, 'owner'),
    epoch: integerOf(fields, 'epoch'),
    expiresMs: integerOf(fields, 'expiresMs'),
    cursor: fields['cursor'] === null ? null : textOf(fields, 'cursor'),
  };
}

export function createCosmosLeaseStore({ leases, attempt }: Tables): LeaseStore {
  function find(name: string): Promise<Found | undefined> {
    return leases.read(leasesPk, textToId(name));
  }

  async function acquire(name: string, owner: string, nowMs: number, seconds: number): Promise<Lease | undefined> {
    const expiresMs = nowMs + seconds * 1000;
    for (let attempts = 0; attempts < attemptsMax; attempts++) {
      const found = await find(name);
      if (found === undefined) {
        const first = { name, owner, epoch: 1, expiresMs, cursor: null };
        if ((await leases.create(leaseToDocument(first))) === 'created') return first;
        continue;
      }
      const held = fieldsToLease(found.fields);
      const isOwn = held.owner === owner;
      if (!isOwn && held.owner !== '' && held.expiresMs > nowMs) return undefined;
      const lease = { ...held, owner, epoch: isOwn ? held.epoch : held.epoch + 1, expiresMs };
      if ((await leases.replace(leaseToDocument(lease), found.etag)) === 'replaced') return lease;
    }
    throw new TidemarkError('busy', 'this lease is wanted by too many at once');
  }

  /** Changes the lease as it stands, while owner and epoch are still those. */
  async function change(lease: Lease, to: (standing: Lease) => Lease): Promise<'saved' | 'lost'> {
    for (let attempts = 0; attempts < attemptsMax; attempts++) {
      const found = await find(lease.name);
      if (found === undefined) return 'lost';
      const standing = fieldsToLease(found.fields);
      if (standing.owner !== lease.owner || standing.epoch !== lease.epoch) return 'lost';
      if ((await leases.replace(leaseToDocument(to(standing)), found.etag)) === 'replaced') return 'saved';
    }
    throw new TidemarkError('busy', 'this lease is being changed by too many at once');
  }

  return {
    acquire: (name, owner, nowMs, seconds) => attempt(() => acquire(name, owner, nowMs, seconds)),
    save: (lease, cursor, expiresMs) =>
      attempt(() => change(lease, (standing) => ({ ...standing, cursor, expiresMs }))),
    release: (lease) =>
      attempt(async () => {
        await change(lease, (standing) => ({ ...standing, owner: '', expiresMs: 0 }));
      }),
    list: (prefix) =>
      attempt(async () => {
        const from = textToId(prefix);
        const query = {
          text: 'SELECT * FROM c WHERE c.id >= @from AND c.id < @to ORDER BY c.id',
          parameters: { '@from': from, '@to': `${from}g` },
          page: 100,
        };
        return (await leases.all(leasesPk, query)).map(fieldsOf).map(fieldsToLease);
      }),
  };
}

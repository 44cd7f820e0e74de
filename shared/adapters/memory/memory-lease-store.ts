import type { Lease, LeaseStore } from '../../ports/lease-store.ts';

/** Leases by name. A name that was leased once stays, with its epoch and cursor. */
export function createMemoryLeaseStore(): LeaseStore {
  const leases = new Map<string, Lease>();

  /** The stored lease, if it is the one that was given out as `lease`. */
  function held(lease: Lease): Lease | undefined {
    const known = leases.get(lease.name);
    return known?.owner === lease.owner && known.epoch === lease.epoch ? known : undefined;
  }

  return {
    acquire: async (name, owner, nowMs, seconds) => {
      const known = leases.get(name);
      const isOurs = known?.owner === owner;
      if (known !== undefined && !isOurs && known.expiresMs > nowMs) return undefined;
      const lease = {
        name,
        owner,
        epoch: isOurs ? known.epoch : (known?.epoch ?? 0) + 1,
        expiresMs: nowMs + seconds * 1_000,
        cursor: known?.cursor ?? null,
      };
      leases.set(name, lease);
      return { ...lease };
    },
    save: async (lease, cursor, expiresMs) => {
      const known = held(lease);
      if (known === undefined) return 'lost';
      leases.set(lease.name, { ...known, cursor, expiresMs });
      return 'saved';
    },
    release: async (lease) => {
      const known = held(lease);
      if (known !== undefined) leases.set(lease.name, { ...known, owner: '', expiresMs: 0 });
    },
    list: async (prefix) =>
      [...leases.values()]
        .filter(({ name }) => name.startsWith(prefix))
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .map((lease) => ({ ...lease })),
  };
}

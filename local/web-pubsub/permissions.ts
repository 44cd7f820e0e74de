/** What a connection may do with groups. Roles of tokens and grants of REST come to the same. */
const actions = ['joinLeaveGroup', 'sendToGroup'] as const;
export type GroupAction = (typeof actions)[number];

const rolePrefix = 'webpubsub.';

export function isGroupAction(text: string): text is GroupAction {
  return (actions as readonly string[]).includes(text);
}

export class Permissions {
  readonly #everywhere = new Set<GroupAction>();
  readonly #inGroups = new Map<GroupAction, Set<string>>();

  /** @param roles `webpubsub.joinLeaveGroup` for all groups, `webpubsub.joinLeaveGroup.<group>` for one; what else there is says nothing. */
  constructor(roles: Iterable<string>) {
    for (const role of roles) {
      for (const action of actions) {
        if (role === rolePrefix + action) this.grant(action, undefined);
        const prefix = `${rolePrefix}${action}.`;
        if (role.startsWith(prefix) && role.length > prefix.length) this.grant(action, role.slice(prefix.length));
      }
    }
  }

  /** How many groups are named. */
  get size(): number {
    let size = 0;
    for (const groups of this.#inGroups.values()) size += groups.size;
    return size;
  }

  /** Undefined: in all groups. */
  may(action: GroupAction, group: string | undefined): boolean {
    if (this.#everywhere.has(action)) return true;
    return group !== undefined && this.#inGroups.get(action)?.has(group) === true;
  }

  grant(action: GroupAction, group: string | undefined): void {
    if (group === undefined) {
      this.#everywhere.add(action);
      return;
    }
    const groups = this.#inGroups.get(action) ?? new Set();
    this.#inGroups.set(action, groups.add(group));
  }

  /** Without a group all is taken. A permission for all groups is not taken by naming one of them. */
  revoke(action: GroupAction, group: string | undefined): void {
    if (group !== undefined) {
      this.#inGroups.get(action)?.delete(group);
      return;
    }
    this.#everywhere.delete(action);
    this.#inGroups.delete(action);
  }
}

import { limits } from '../../core/limits.ts';
import type { Notifier } from '../../ports/notifier.ts';
import { groupOfWorkspace } from '../../ports/notifier.ts';
import { type AnnouncementNeeds, Announcements } from './announce/announcements.ts';
import { type Expelled, Expulsions } from './announce/expulsions.ts';
import { waitFor } from './announce/time-limit.ts';
import type { Announcer } from './announcer.ts';

export interface AnnouncerNeeds extends AnnouncementNeeds {
  readonly notifier: Notifier;
}

/** What the client is told of the end; it negotiates anew whatever it says. */
const accessChanged = 'access changed';

/** Tells through `notifier`, in the background beyond `announceWaitMs`. One of it for a process: its bounds are the process's. */
export function createAnnouncer(needs: AnnouncerNeeds): Announcer {
  const { notifier, timers } = needs;
  const announcements = new Announcements(needs);
  const expulsions = new Expulsions(needs);
  const briefly = (settled: Promise<void>): Promise<void> => waitFor(timers, limits.announceWaitMs, settled);
  const expel = (expelled: Expelled): Promise<void> => briefly(expulsions.expel(expelled));
  return {
    announce: (event) => briefly(announcements.announce(event)),
    // A log names no users.
    expelUser: (userId) =>
      expel({ kind: 'user', id: userId, fields: {}, close: () => notifier.closeUser(userId, accessChanged) }),
    expelAll: (workspaceId) => {
      announcements.forget(workspaceId);
      const close = (): Promise<void> => notifier.closeGroup(groupOfWorkspace(workspaceId), accessChanged);
      return expel({ kind: 'workspace', id: workspaceId, fields: { workspaceId }, close });
    },
    expelConnection: (connectionId) => {
      const close = (): Promise<void> => notifier.closeConnection(connectionId, accessChanged);
      return expel({ kind: 'connection', id: connectionId, fields: { connectionId }, close });
    },
  };
}

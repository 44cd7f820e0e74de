/**
 * Where clients come in. Whoever is refused is told so by an HTTP status before the upgrade: 404 for no hub, 400 for no subprotocol of
 * ours, 401 for a token, 429 for too many connections, and what the event handler says. A socket that wants to recover a connection is
 * upgraded in any case: when it cannot, it is closed with 1008, which tells the client to open a new one.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { ClientClaims } from './access-tokens.ts';
import { carryOut } from './client-requests.ts';
import { type ClientTarget, readClientTarget } from './client-target.ts';
import { type ConnectDecision, askToConnect } from './connect-event.ts';
import {
  Connection,
  type ConnectionContext,
  type ConnectionIdentity,
  cutLater,
  policyCloseCode,
} from './connection.ts';
import type { Endpoint } from './endpoint.ts';
import { isGroupName, reliableSubprotocol, subprotocols } from './json-protocol.ts';
import { Permissions } from './permissions.ts';

type Accepted = Extract<ConnectDecision, { readonly kind: 'accepted' }>;
type Refused = Extract<ConnectDecision, { readonly kind: 'refused' }>;

const byTokenAlone: Accepted = {
  kind: 'accepted',
  userId: undefined,
  subprotocol: undefined,
  groups: [],
  roles: [],
  state: '',
};

interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

function answerRefusal({ socket }: Upgrade, { status, message }: Refused): void {
  const body = Buffer.from(message);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${body.length}`,
  ];
  socket.once('finish', () => socket.destroy());
  socket.end(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]));
}

function sameSecret(one: string, other: string): boolean {
  const left = Buffer.from(one);
  const right = Buffer.from(other);
  return left.length === right.length && timingSafeEqual(left, right);
}

export class ClientDoor {
  readonly #endpoint: Endpoint;
  readonly #sockets: WebSocketServer;
  readonly #context: ConnectionContext;
  /** What each request that is being upgraded was granted. */
  readonly #chosen = new WeakMap<IncomingMessage, string>();
  readonly #open = new Set<Duplex>();
  #entering = 0;
  #closed = false;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
    this.#sockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: endpoint.bounds.frameBytesMax,
      // Each compressing connection would hold some hundred kilobytes; messages here are small.
      perMessageDeflate: false,
      handleProtocols: (_, request) => this.#chosen.get(request) ?? false,
    });
    const { bounds, clock, timers, counters, hubs, events, log } = endpoint;
    this.#context = {
      bounds,
      clock,
      timers,
      counters,
      received: (connection, text) => carryOut(endpoint, connection, text),
      ended: (connection, reason) => {
        const { hub, connectionId } = connection.identity;
        hubs.get(hub).remove(connection);
        hubs.dropIfEmpty(hub);
        log.debug({ connectionId, hub, reason }, 'a connection ended');
        events.disconnected(connection, reason);
      },
    };
  }

  /** Answers an upgrade, whatever comes of it. */
  async handle(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const upgrade = { request, socket, head };
    // Nobody else listens before the upgrade; a lost socket shows itself by being destroyed.
    socket.on('error', () => undefined);
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
    const refusal = await this.#enter(upgrade).catch((error: unknown) => this.#giveUp(socket, error));
    if (refusal === undefined) return;
    this.#endpoint.counters.refused += 1;
    this.#endpoint.log.debug({ status: refusal.status }, 'a client was refused');
    answerRefusal(upgrade, refusal);
  }

  /** Lets nobody in any more, and ends all connections. */
  close(): void {
    this.#closed = true;
    for (const hub of this.#endpoint.hubs.all()) for (const one of hub.all()) one.end('The endpoint ends.');
  }

  /** Cuts all sockets that are still there. */
  cut(): void {
    for (const socket of this.#open) socket.destroy();
  }

  /** Nobody's request ends the process; what it was about stays out of the log. */
  #giveUp(socket: Duplex, error: unknown): undefined {
    this.#endpoint.log.error({ error: error instanceof Error ? error.name : 'unknown' }, 'an upgrade failed');
    socket.destroy();
  }

  async #enter(upgrade: Upgrade): Promise<Refused | undefined> {
    const { bounds, hubs, tokens, url } = this.#endpoint;
    const target = readClientTarget(upgrade.request.url ?? '', upgrade.request.headers);
    if (target === undefined) return refuse(404, 'There is no hub.');
    if (this.#closed) return refuse(503, 'The endpoint ends.');
    if (target.recovery !== undefined) return this.#recover(upgrade, target, target.recovery);
    if (!target.subprotocols.some((name) => subprotocols.includes(name))) {
      return refuse(400, `The subprotocols that are served are ${subprotocols.join(' and ')}.`);
    }
    if (hubs.connections + this.#entering >= bounds.connectionsMax)
      return refuse(429, 'There are too many connections.');
    this.#entering += 1;
    try {
      const claims =
        target.token === undefined ? undefined : await tokens.verifyClient(target.token, target.hub, url());
      if (claims === undefined) return refuse(401, 'The access token does not open this hub.');
      return await this.#admit(upgrade, target, claims);
    } finally {
      this.#entering -= 1;
    }
  }

  async #admit(upgrade: Upgrade, target: ClientTarget, claims: ClientClaims): Promise<Refused | undefined> {
    const { webhook, bounds } = this.#endpoint;
    const connectionId = randomBytes(16).toString('base64url');
    const subject = { connectionId, hub: target.hub, userId: claims.userId, state: '' };
    const { query, headers } = target;
    const request = { claims: claims.claims, query, headers, subprotocols: target.subprotocols };
    const decision = webhook === undefined ? byTokenAlone : await askToConnect(webhook, subject, request, bounds);
    if (decision.kind === 'refused') return decision;
    const subprotocol = decision.subprotocol ?? target.subprotocols.find((name) => subprotocols.includes(name));
    if (subprotocol === undefined || !subprotocols.includes(subprotocol) || !target.subprotocols.includes(subprotocol))
      return refuse(500, 'The event handler chose a subprotocol that was not offered.');
    this.#connect(upgrade, claims, decision, {
      connectionId,
      hub: target.hub,
      userId: decision.userId ?? claims.userId,
      subprotocol,
      reconnectionToken: randomBytes(32).toString('base64url'),
    });
    return undefined;
  }

  /** The handler has consented, so it is told how it ends even when the client went away meanwhile. */
  #connect(upgrade: Upgrade, claims: ClientClaims, decision: Accepted, identity: ConnectionIdentity): void {
    const { hubs, counters, log, events } = this.#endpoint;
    const permissions = new Permissions([...claims.roles, ...decision.roles]);
    const connection = new Connection(identity, permissions, decision.state, this.#context);
    const hub = hubs.open(identity.hub);
    hub.add(connection);
    const groups = [...claims.groups, ...decision.groups].filter(isGroupName);
    for (const group of groups) hub.join(connection, group);
    const upgraded = this.#upgrade(upgrade, identity.subprotocol, (socket) => {
      counters.opened += 1;
      log.debug({ connectionId: identity.connectionId, hub: identity.hub }, 'a connection was opened');
      connection.attach(socket);
      events.connected(connection);
    });
    if (!upgraded) connection.end('The client went away before it was connected.', { byPeer: true });
    else if (this.#closed) connection.end('The endpoint ends.');
  }

  #recover(upgrade: Upgrade, target: ClientTarget, recovery: NonNullable<ClientTarget['recovery']>): undefined {
    const connection = this.#endpoint.hubs.get(target.hub).get(recovery.connectionId);
    const mayRecover =
      connection?.isReliable === true &&
      target.subprotocols.includes(reliableSubprotocol) &&
      sameSecret(connection.identity.reconnectionToken, recovery.reconnectionToken);
    const subprotocol = target.subprotocols.find((name) => subprotocols.includes(name));
    this.#upgrade(upgrade, subprotocol, (socket) => {
      if (!mayRecover) {
        socket.on('error', () => undefined);
        socket.close(policyCloseCode, 'The connection cannot be recovered.');
        cutLater(socket, this.#endpoint);
        return;
      }
      this.#endpoint.counters.recovered += 1;
      connection.attach(socket);
    });
    return undefined;
  }

  /** False: the client's request was no upgrade, or it went away. Then it is answered, or nobody is there. */
  #upgrade(upgrade: Upgrade, subprotocol: string | undefined, opened: (socket: WebSocket) => void): boolean {
    const { request, socket, head } = upgrade;
    if (subprotocol !== undefined) this.#chosen.set(request, subprotocol);
    let isOpen = false;
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
      isOpen = true;
      opened(webSocket);
    });
    return isOpen;
  }
}

function refuse(status: number, message: string): Refused {
  return { kind: 'refused', status, message };
}

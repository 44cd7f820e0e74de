/** The configuration of `oidc-provider`: one public client, one resource server, device flow and development grant. */
import { errors, Provider, type Configuration, type KoaContextWithOIDC, type ResourceServer } from 'oidc-provider';
import { developmentGrantType, registerDevelopmentGrant } from './development-grant.ts';
import type { IdentityKeys, SigningAlgorithm } from './identity-keys.ts';
import { interactionPath } from './interaction.ts';
import { codePage, confirmPage, donePage, errorPage } from './pages.ts';
import type { TokenStore } from './token-store.ts';
import { isUserName } from './user-name.ts';

/** The public client that `tide` signs in with. */
export const cliClientId = 'tide-cli';

/** Scopes of the API. */
export const apiScopes = ['sync.read', 'sync.write', 'sync.admin'] as const;

export interface ProviderOptions {
  readonly issuerUrl: string;
  readonly audience: string;
  readonly keys: IdentityKeys;
  readonly signingAlgorithm: SigningAlgorithm;
  readonly store: TokenStore;
  readonly accessTokenSeconds: number;
  readonly refreshTokenSeconds: number;
}

export function createProvider(options: ProviderOptions): Provider {
  const provider = new Provider(options.issuerUrl, toConfiguration(options));
  registerDevelopmentGrant(provider, { audience: options.audience, resourceServer: toResourceServer(options) });
  return provider;
}

function toResourceServer(options: ProviderOptions): ResourceServer {
  return {
    scope: apiScopes.join(' '),
    audience: options.audience,
    accessTokenFormat: 'jwt',
    accessTokenTTL: options.accessTokenSeconds,
    jwt: { sign: { alg: options.signingAlgorithm } },
  };
}

function toConfiguration(options: ProviderOptions): Configuration {
  const { keys, store, signingAlgorithm, accessTokenSeconds, refreshTokenSeconds } = options;
  return {
    adapter: (model: string) => store.adapter(model),
    jwks: { keys: [...keys.signing] },
    cookies: { keys: [...keys.cookies] },
    clients: [
      {
        client_id: cliClientId,
        client_name: 'Tidemark command line',
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token', developmentGrantType],
        redirect_uris: [],
        response_types: [],
        id_token_signed_response_alg: signingAlgorithm,
      },
    ],
    scopes: ['openid', 'offline_access'],
    claims: { openid: ['sub', 'name'] },
    findAccount: (_context, subject) =>
      isUserName(subject) ? { accountId: subject, claims: () => ({ sub: subject, name: subject }) } : undefined,
    extraTokenClaims: (_context, token) => ('accountId' in token ? { name: token.accountId } : undefined),
    ttl: {
      AccessToken: accessTokenSeconds,
      IdToken: accessTokenSeconds,
      RefreshToken: refreshTokenSeconds,
      Grant: refreshTokenSeconds,
      DeviceCode: 600,
      Interaction: 600,
      Session: 600,
    },
    issueRefreshToken: (_context, client, source) =>
      client.grantTypeAllowed('refresh_token') && source.scopes.has('offline_access'),
    // A client that loses the answer to a refresh must not lose its session: tokens are not rotated, as with Entra ID.
    rotateRefreshToken: false,
    expiresWithSession: () => false,
    loadExistingGrant: grantWhatIsAsked,
    interactions: { url: (_context, interaction) => interactionPath + interaction.uid },
    features: toFeatures(options),
    renderError: (context, out) => {
      context.type = 'html';
      context.body = errorPage(out.error_description ?? out.error);
    },
  };
}

function toFeatures(options: ProviderOptions): NonNullable<Configuration['features']> {
  return {
    devInteractions: { enabled: false },
    userinfo: { enabled: false },
    rpInitiatedLogout: { enabled: false },
    revocation: { enabled: true, allowedPolicy: (_context, client, token) => token.clientId === client.clientId },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => options.audience,
      useGrantedResource: () => true,
      getResourceServerInfo: (_context, resource) => {
        if (resource !== options.audience) throw new errors.InvalidTarget();
        return toResourceServer(options);
      },
    },
    deviceFlow: {
      enabled: true,
      userCodeInputSource: (context, form, _out, error) => render(context, codePage(form, error !== undefined)),
      userCodeConfirmSource: (context, form, client, _device, userCode) =>
        render(context, confirmPage(form, client.clientName ?? client.clientId, userCode)),
      async successSource(context) {
        // The next sign-in in this browser may be another user's.
        await context.oidc.session?.destroy();
        render(context, donePage());
      },
    },
  };
}

function render(context: KoaContextWithOIDC, html: string): void {
  context.type = 'html';
  context.body = html;
}

/** The page that named the user also asked for consent, so a grant of everything requested follows from the sign-in. */
async function grantWhatIsAsked(context: KoaContextWithOIDC): Promise<InstanceType<Provider['Grant']> | undefined> {
  const { provider, session, client, requestParamScopes, resourceServers } = context.oidc;
  if (session?.accountId === undefined || client === undefined) return undefined;
  const grant = new provider.Grant({ accountId: session.accountId, clientId: client.clientId });
  grant.addOIDCScope(
    [...requestParamScopes].filter((scope) => scope === 'openid' || scope === 'offline_access').join(' '),
  );
  for (const [resource, server] of Object.entries(resourceServers ?? {})) {
    grant.addResourceScope(resource, [...requestParamScopes].filter((scope) => server.scopes.has(scope)).join(' '));
  }
  await grant.save();
  return grant;
}

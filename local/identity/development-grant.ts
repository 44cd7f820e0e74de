/**
 * The grant by which `tide login --dev --user NAME` and tests get tokens for any user without a browser:
 * `grant_type=urn:tidemark:grant-type:development`, `user`, and optionally `scope`. Its tokens are like those of the
 * device flow: same issuer, audience, lifetimes and refresh.
 */
import { errors, type Provider, type ResourceServer, type TokenEndpointGrantContext } from 'oidc-provider';
import { isUserName, userNameRule } from './user-name.ts';

export const developmentGrantType = 'urn:tidemark:grant-type:development';

const oidcScopes = ['openid', 'offline_access'];

interface DevelopmentGrantOptions {
  readonly audience: string;
  readonly resourceServer: ResourceServer;
}

interface DevelopmentParams {
  readonly user?: string;
  readonly scope?: string;
  readonly resource?: string;
  readonly [name: string]: unknown;
}

export function registerDevelopmentGrant(provider: Provider, options: DevelopmentGrantOptions): void {
  provider.registerGrantType<DevelopmentParams>(
    developmentGrantType,
    async (context) => {
      context.body = await issueTokens(provider, context, options);
    },
    ['user', 'scope', 'resource'],
  );
}

async function issueTokens(
  provider: Provider,
  context: TokenEndpointGrantContext<DevelopmentParams>,
  { audience, resourceServer }: DevelopmentGrantOptions,
): Promise<Readonly<Record<string, unknown>>> {
  const { client, params } = context.oidc;
  const { user, resource = audience } = params;
  if (!isUserName(user)) throw new errors.InvalidRequest(userNameRule);
  if (resource !== audience) throw new errors.InvalidTarget();
  const scopes = readScopes(params.scope, resourceServer.scope.split(' '));
  const scope = scopes.join(' ');

  const grant = new provider.Grant({ accountId: user, clientId: client.clientId });
  grant.addOIDCScope(scopes.filter((each) => oidcScopes.includes(each)).join(' '));
  grant.addResourceScope(audience, scopes.filter((each) => !oidcScopes.includes(each)).join(' '));
  const grantId = await grant.save();

  const source = { accountId: user, client, grantId, gty: 'development', expiresWithSession: false };
  const accessToken = new provider.AccessToken(source);
  accessToken.resourceServer = new provider.ResourceServer(audience, resourceServer);
  accessToken.scope = grant.getResourceScopeFiltered(audience, new Set(scopes));
  return {
    access_token: await accessToken.save(),
    expires_in: accessToken.expiration,
    token_type: accessToken.tokenType,
    scope: accessToken.scope,
    ...(scopes.includes('offline_access')
      ? {
          refresh_token: await new provider.RefreshToken({ ...source, scope, resource: audience, rotations: 0 }).save(),
        }
      : {}),
    ...(scopes.includes('openid') ? { id_token: await issueIdToken(provider, context, user) } : {}),
  };
}

function readScopes(asked: string | undefined, apiScopes: readonly string[]): readonly string[] {
  const known = [...oidcScopes, ...apiScopes];
  const scopes = [...new Set(asked?.split(' ') ?? known)].filter((scope) => scope !== '');
  for (const scope of scopes) {
    if (!known.includes(scope)) throw new errors.InvalidScope('requested scope is not known', scope);
  }
  return scopes;
}

async function issueIdToken(
  provider: Provider,
  context: TokenEndpointGrantContext<DevelopmentParams>,
  user: string,
): Promise<string> {
  const token = new provider.IdToken({}, { ctx: context });
  token.set('sub', user);
  token.set('name', user);
  return token.issue({ use: 'idtoken' });
}

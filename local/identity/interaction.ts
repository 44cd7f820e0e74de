/** The sign-in page of the device flow: it asks for a user name, no password, and that is also the consent. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider } from 'oidc-provider';
import { answerEmpty } from '../host/http-server.ts';
import { readWhole } from '../host/http-body.ts';
import { signInPage } from './pages.ts';
import { isUserName, userNameRule } from './user-name.ts';

/** Sign-in pages are at this path and an interaction's id. The cookie that names the interaction is bound to it. */
export const interactionPath = '/interaction/';

const formBytesMax = 16_384;

/**
 * Serves GET (the form) and POST (its answer). The interaction is found by a signed, SameSite cookie, so another site
 * cannot post on the user's behalf. @throws Error when there is no such interaction.
 */
export async function answerInteraction(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  await provider.interactionDetails(request, response);
  if (request.method === 'GET') return answerHtml(response, 200, signInPage());
  if (request.method !== 'POST') return answerEmpty(response, 405, { allow: 'GET, POST' });
  const form = new URLSearchParams((await readWhole(request, formBytesMax)).toString('utf8'));
  if (form.has('abort')) {
    const refusal = { error: 'access_denied', error_description: 'The sign-in was refused.' };
    return provider.interactionFinished(request, response, refusal);
  }
  const user = form.get('user');
  if (!isUserName(user)) return answerHtml(response, 400, signInPage(userNameRule));
  return provider.interactionFinished(request, response, { login: { accountId: user, remember: false }, consent: {} });
}

function answerHtml(response: ServerResponse, status: number, html: string): void {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
  response.end(html);
}

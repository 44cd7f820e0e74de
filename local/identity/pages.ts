/** The issuer's pages: plain HTML, no script. */

/** Makes text safe inside an element or a quoted attribute. */
function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} - Tidemark development sign-in</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 26rem; margin: 12vh auto; padding: 0 1rem; }
  input, button { font: inherit; padding: 0.5rem 0.8rem; margin: 0.5rem 0.5rem 0 0; }
  code { font-size: 1.3rem; letter-spacing: 0.1em; }
  .error { color: #a40000; }
</style>
<h1>${title}</h1>
${body}
</html>`;
}

/** Asks for the code that the device shows. @param form the provider's form, whose only field is the code. */
export function codePage(form: string, failed: boolean): string {
  const error = failed ? '<p class="error">That code is not known, or was used or has expired.</p>' : '';
  return page(
    'Enter the code',
    `<p>Type the code that your device shows.</p>${error}${form}${submit('op.deviceInputForm', 'Continue')}`,
  );
}

/** Asks whether the code is the one on the device. @param form the provider's form with hidden fields only. */
export function confirmPage(form: string, client: string, userCode: string): string {
  const question = `<p>${escapeHtml(client)} asks to sign in. Does your device show this code?</p>`;
  const abort = '<button type="submit" form="op.deviceConfirmForm" name="abort" value="yes">No</button>';
  const buttons = submit('op.deviceConfirmForm', 'Yes, continue') + abort;
  return page('Confirm the device', `${question}<p><code>${escapeHtml(userCode)}</code></p>${form}${buttons}`);
}

/** Asks who is signing in. */
export function signInPage(error?: string): string {
  const message = error === undefined ? '' : `<p class="error">${escapeHtml(error)}</p>`;
  return page(
    'Sign in',
    `<p>This is the development issuer: any name will do, and there is no password.</p>${message}
<form method="post">
  <input name="user" placeholder="User name" autocomplete="username" autofocus maxlength="64">
  <button type="submit">Sign in and approve</button>
  <button type="submit" name="abort" value="yes">Refuse</button>
</form>`,
  );
}

export function donePage(): string {
  return page('Signed in', '<p>You can close this page and go back to your device.</p>');
}

export function errorPage(message: string): string {
  return page('That did not work', `<p class="error">${escapeHtml(message)}</p>`);
}

function submit(form: string, label: string): string {
  return `<button type="submit" form="${form}">${label}</button>`;
}

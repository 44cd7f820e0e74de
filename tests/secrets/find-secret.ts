/** What must never be in a log line, an error or an answer that is no answer to its owner. */

const forms: Readonly<Record<string, RegExp>> = {
  'a signature of a URL': /(?:\b|%26|%3F)sig(?:=|%3D)[A-Za-z0-9+/_%-]{20,}/i,
  'a URL of the realtime service': /(?:\b|%26|%3F)access_token(?:=|%3D)[\w.~+/%-]{20,}/i,
  'an access token': /\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]+/,
  'a bearer token': /\bbearer\s+[\w.~+/-]{24,}/i,
  'a private key': /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  'the key of an account': /\b(?:Account|SharedAccess|Access)Key=[A-Za-z0-9+/]{20,}/i,
  'a private part of a JSON Web Key': /"d"\s*:\s*"[\w-]{40,}"/,
};

/** The kind of secret that stands in a text, and where; undefined without one. */
export function findSecret(text: string): { readonly kind: string; readonly at: number } | undefined {
  for (const [kind, form] of Object.entries(forms)) {
    const match = form.exec(text);
    if (match !== null) return { kind, at: match.index };
  }
  return undefined;
}

/** Throws, without the secret, when a text has one. */
export function assertNoSecret(text: string, where: string): void {
  const found = findSecret(text);
  if (found === undefined) return;
  const before = text.slice(Math.max(0, found.at - 60), found.at);
  throw new Error(`${found.kind} stands in ${where}, after: ${before}`);
}

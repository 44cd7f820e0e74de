/** As much of a browser as the sign-in pages need: cookies by path, redirects, and posting the form that is shown. */
export interface Browser {
  open(url: string): Promise<Page>;
  /** Posts the page's only form with its hidden fields and these. */
  submit(page: Page, fields: Readonly<Record<string, string>>): Promise<Page>;
}

export interface Page {
  readonly url: string;
  readonly status: number;
  readonly html: string;
}

interface Cookie {
  readonly value: string;
  readonly path: string;
}

export function createBrowser(): Browser {
  const jar = new Map<string, Cookie>();
  const load = async (url: string, init: RequestInit = {}, hops = 0): Promise<Page> => {
    const { pathname } = new URL(url);
    const cookie = [...jar]
      .filter(([, { path }]) => pathname.startsWith(path))
      .map(([key, { value }]) => `${key.split(' ')[0]}=${value}`)
      .join('; ');
    const response = await fetch(url, { ...init, redirect: 'manual', headers: { cookie } });
    for (const line of response.headers.getSetCookie()) keep(jar, line);
    const location = response.headers.get('location');
    if (location !== null && hops < 10) return load(new URL(location, url).href, {}, hops + 1);
    return { url, status: response.status, html: await response.text() };
  };
  return {
    open: (url) => load(url),
    submit(page, fields) {
      const action = /<form[^>]*action="([^"]*)"/.exec(page.html)?.[1] ?? page.url;
      const hidden = [...page.html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(
        ([, name = '', value = '']) => [name, value],
      );
      const body = new URLSearchParams({ ...Object.fromEntries(hidden), ...fields });
      if (fields['abort'] !== undefined) body.delete('confirm');
      return load(new URL(action, page.url).href, { method: 'POST', body });
    },
  };
}

function keep(jar: Map<string, Cookie>, line: string): void {
  const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
  const [name = '', value = ''] = pair.split(/=(.*)/s);
  const path = attributes.find((attribute) => /^path=/i.test(attribute))?.slice(5) ?? '/';
  if (attributes.some((attribute) => /^expires=Thu, 01 Jan 1970/i.test(attribute))) jar.delete(`${name} ${path}`);
  else jar.set(`${name} ${path}`, { value, path });
}

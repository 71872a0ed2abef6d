import { vi } from 'vitest';

/** What a page's browser keeps and got. */
export interface Page {
  /** The cookie that it sends, if it has one. */
  cookie: string | undefined;
  /** The Set-Cookie lines that came. */
  readonly set: string[];
}

/** Makes a page of the server's out of this process, as far as a client can tell; `vi.unstubAllGlobals` ends it. */
export function page(baseUrl: string): Page {
  const { fetch, Request } = globalThis;
  const page: Page = { cookie: undefined, set: [] };
  const own = { 'Sec-Fetch-Site': 'same-origin', Origin: baseUrl };
  vi.stubGlobal('location', new URL(baseUrl));
  vi.stubGlobal(
    'Request',
    class extends Request {
      constructor(input: string, init?: RequestInit) {
        super(new URL(input, baseUrl), init);
      }
    },
  );
  vi.stubGlobal('fetch', async (request: Request) => {
    const headers = new Headers([...request.headers, ...Object.entries(own), ...(page.cookie === undefined ? [] : [['Cookie', page.cookie] as [string, string]])]);
    const answer = await fetch(request, { headers });
    for (const line of answer.headers.getSetCookie()) {
      page.set.push(line);
      page.cookie = line.includes('Max-Age=0') ? undefined : line.split(';', 1)[0];
    }
    return answer;
  });
  return page;
}

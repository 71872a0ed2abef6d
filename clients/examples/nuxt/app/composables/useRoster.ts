import { createRoster, type Roster } from '@roster/client'

/**
 * Gives the client. In the browser it calls this app's own address, which server/routes/api passes on, and the browser
 * adds the cookie. On the server it calls Roster itself, as the visitor whose page is made: one client a request, for
 * reading only, since Roster takes no write with a cookie that does not come from a page.
 */
export function useRoster(): Roster {
  if (import.meta.client) return createRoster({ baseUrl: '/' })
  const event = useRequestEvent()
  if (!event) throw new Error('useRoster needs a request')
  return createRoster({
    baseUrl: useRuntimeConfig().rosterUrl,
    headers: { ...useRequestHeaders(['cookie', 'x-request-id']), ...visitorHeaders(event) },
    signal: AbortSignal.timeout(5_000), // a page that does not come is worse than one that says why
  })
}

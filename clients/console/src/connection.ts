// Whether the server can be reached, as the calls show it.

import { ref } from 'vue'

/** `offline`: this machine has no network. `away`: the server, or its database, does not answer. */
export type Connection = 'online' | 'offline' | 'away'

/** What ConnectionBanner shows. */
export const connection = ref<Connection>('online')

/** How often to look whether the server is back, in milliseconds. */
const interval = 3_000

let timer: ReturnType<typeof setTimeout> | undefined

/** Calls fetch, and notes what it tells about the connection. */
export async function watchedFetch(request: Request): Promise<Response> {
  try {
    const response = await fetch(request)
    note([502, 503, 504].includes(response.status) ? 'away' : 'online')
    return response
  } catch (error) {
    // Who leaves a page ends its calls: that says nothing of the server.
    if (!request.signal.aborted) note(navigator.onLine ? 'away' : 'offline')
    throw error
  }
}

function note(now: Connection): void {
  connection.value = now
  clearTimeout(timer)
  if (now !== 'online') timer = setTimeout(() => void look(), interval)
}

async function look(): Promise<void> {
  try {
    note((await fetch('/ready', { cache: 'no-store' })).ok ? 'online' : 'away')
  } catch {
    note(navigator.onLine ? 'away' : 'offline')
  }
}

addEventListener('offline', () => note('offline'))
addEventListener('online', () => void look())

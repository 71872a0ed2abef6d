import type { H3Event } from 'h3'

/**
 * Gives the header that tells Roster for whom this server calls: the visitor's address, behind those that proxies
 * before this one have put there. What visitors write there themselves stands further left, where Roster does not look.
 */
export function visitorHeaders({ node: { req } }: H3Event) {
  return { 'X-Forwarded-For': [req.headers['x-forwarded-for'], req.socket.remoteAddress].filter(Boolean).join(', ') }
}

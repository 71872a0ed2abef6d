// Pages of other origins than Roster's: each server is one.

import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'

/** The TypeScript client's files, as they are published, by their path under /client/. */
export async function clientFile(path) {
  return readFile(new URL(path.replace(/^\/client\//, ''), new URL('../../clients/typescript/dist/', import.meta.url)))
}

/**
 * Serves a page, which html gives, and the client's files, on a free port of host.
 * To a browser each port is an origin; all of one host are one site.
 */
export async function servePage(host = 'localhost', html = () => '<!doctype html><title>A page</title>') {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://page')
    const body = pathname === '/' ? html() : await clientFile(pathname).catch(() => undefined)
    if (body === undefined) return response.writeHead(pathname === '/favicon.ico' ? 204 : 404).end()
    response.writeHead(200, { 'Content-Type': pathname === '/' ? 'text/html' : 'text/javascript' }).end(body)
  }).listen(0, host)
  await once(server, 'listening')
  return {
    origin: `http://${host}:${server.address().port}`,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

// The Nuxt example, built, before a Roster: what a reader has who runs it.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const entry = 'clients/examples/nuxt/.output/server/index.mjs'
const built = fileURLToPath(new URL(`../../${entry}`, import.meta.url))

/** Starts the example on a free port of this machine. Gives it as {url, stop}. */
export async function startNuxt(roster) {
  if (!existsSync(built)) throw new Error(`${built} is not there: run make ${entry}`)
  const port = await freePort()
  const env = { PATH: process.env.PATH, HOST: '127.0.0.1', PORT: String(port), NUXT_ROSTER_URL: roster.url }
  const child = spawn(process.execPath, [built], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = once(child, 'exit')
  const said = []
  const listening = new Promise((resolve, reject) => {
    for (const input of [child.stdout, child.stderr]) {
      createInterface({ input }).on('line', (line) => {
        said.push(line)
        if (line.includes('Listening on')) resolve()
      })
    }
    exited.then(([code]) => reject(new Error(`the example ended with ${code}:\n${said.join('\n')}`)))
  })
  await listening
  return {
    url: `http://localhost:${port}`, // where Chromium takes a cookie that is Secure
    port,
    stop: async () => {
      child.kill('SIGTERM')
      await exited
    },
  }
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address()
  probe.close()
  await once(probe, 'close')
  return port
}

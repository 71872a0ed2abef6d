// The Roster under test: the one at ROSTER_URL, or a binary started for the test.

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/**
 * Gives a running Roster as {url, stop}. Without ROSTER_URL it starts ROSTER_BIN,
 * by default bin/roster, on a free port, an empty data folder and the built-in
 * PostgreSQL.
 */
export async function startRoster() {
  if (process.env.ROSTER_URL) {
    return { url: process.env.ROSTER_URL.replace(/\/$/, ''), stop: async () => {} }
  }
  const binary = process.env.ROSTER_BIN || fileURLToPath(new URL('../../bin/roster', import.meta.url))
  if (!existsSync(binary)) throw new Error(`${binary} is not there: run make build, or set ROSTER_URL`)

  const folder = await mkdtemp(join(tmpdir(), 'roster-browser-'))
  await chmod(folder, 0o755) // as root, PostgreSQL runs as another user and must get through
  const env = {
    ...process.env,
    DATABASE_URL: '',
    ROSTER_ADDR: 'localhost:0',
    ROSTER_DATA_DIR: join(folder, 'data'),
    ROSTER_LOG_FORMAT: 'json',
    ROSTER_LOG_LEVEL: 'info',
  }
  const child = spawn(binary, ['serve'], { env, stdio: ['ignore', 'ignore', 'pipe'] })
  const exited = new Promise((resolve) => child.once('exit', resolve))
  const stop = async () => {
    child.kill('SIGTERM')
    await exited
    await rm(folder, { recursive: true, force: true })
  }

  const log = []
  const served = new Promise((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      log.push(line)
      if (line.includes('"msg":"serving"')) resolve(new URL(JSON.parse(line).docs).origin)
    })
    child.once('error', reject)
    const failed = (why) => reject(new Error(`${why}:\n${log.join('\n')}`))
    exited.then((code) => failed(`roster ended with ${code}`))
    setTimeout(failed, 120_000, 'roster did not serve within 120 s').unref()
  })
  try {
    return { url: await served, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

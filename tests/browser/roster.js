// The Roster under test: the one at ROSTER_URL, or a binary started for the test.
// Who tests one of their own gives it ROSTER_RATE_LIMIT=off.

import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/**
 * Gives a running Roster as {url, admin, stop, command}: admin is what the admin signs in with,
 * and command runs another of Roster's commands beside it and gives what that prints. Without
 * ROSTER_URL it starts ROSTER_BIN, by default bin/roster, on a free port, an empty data folder
 * and the built-in PostgreSQL. Settings are for that one only: a test that needs some starts its own.
 */
export async function startRoster(settings) {
  if (process.env.ROSTER_URL && !settings) {
    const admin = { email: process.env.ROSTER_ADMIN_EMAIL || 'admin@roster.local', password: process.env.ROSTER_ADMIN_PASSWORD }
    if (!admin.password) throw new Error('ROSTER_URL is set: set ROSTER_ADMIN_PASSWORD, and ROSTER_ADMIN_EMAIL, to those of its admin')
    const command = () => Promise.reject(new Error('ROSTER_URL is set: where its data is, is not known'))
    return { url: process.env.ROSTER_URL.replace(/\/$/, ''), admin, stop: async () => {}, command }
  }
  const binary = process.env.ROSTER_BIN || fileURLToPath(new URL('../../bin/roster', import.meta.url))
  if (!existsSync(binary)) throw new Error(`${binary} is not there: run make build, or set ROSTER_URL`)

  const folder = await mkdtemp(join(tmpdir(), 'roster-browser-'))
  await chmod(folder, 0o755) // as root, PostgreSQL runs as another user and must get through
  const admin = { email: 'admin@roster.local', password: 'a nanosecond of wire' }
  const env = {
    // What its user has set for their own Roster is not for this one.
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(ROSTER_|DATABASE_URL)/.test(name))),
    ROSTER_ADDR: 'localhost:0',
    ROSTER_ADMIN_EMAIL: admin.email,
    ROSTER_ADMIN_PASSWORD: admin.password,
    ROSTER_DATA_DIR: join(folder, 'data'),
    ROSTER_LOG_FORMAT: 'json',
    ROSTER_RATE_LIMIT: 'off',
    ...settings,
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
    const command = async (...args) => (await promisify(execFile)(binary, args, { env })).stdout
    return { url: await served, admin, stop, command }
  } catch (error) {
    await stop()
    throw error
  }
}

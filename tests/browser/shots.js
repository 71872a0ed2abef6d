// Takes the pictures of the console in docs/screens, and that of /docs, of a Roster with
// made-up people: make screenshots. A time of its own stands still in the pictures, so that
// they change little but when the console does; ids are new each time.

import { mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { settled, sizes, startConsole } from './console.js'

const docs = fileURLToPath(new URL('../../docs/', import.meta.url))
const now = Date.parse('2026-03-14T09:26:53Z')
const most = 100 * 1024

const variants = [
  { name: 'light', theme: 'light', size: 'wide' },
  { name: 'dark', theme: 'dark', size: 'wide' },
  { name: 'phone', theme: 'light', size: 'phone' },
]

const agents = {
  laptop: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  office: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0',
  phone: 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1',
}

const c = await startConsole({})
try {
  const { maria, ada } = await people()
  const made = Date.now()
  let signedIn // once, for all
  await rm(`${docs}screens`, { recursive: true, force: true })
  await mkdir(`${docs}screens`, { recursive: true })
  for (const { name, theme, size } of variants) {
    const options = { ...sizes[size], deviceScaleFactor: 1, theme, userAgent: agents.laptop, reducedMotion: 'reduce', locale: 'en-GB', timezoneId: 'UTC' }
    const { page } = await c.open('/sign-in', options)
    await shot(page, `screens/sign-in-${name}`)
    await page.context().close()

    const { page: hers } = signedIn ? await c.open('/settings', { ...options, storageState: signedIn }) : await c.openAs(maria, '/settings', options)
    signedIn ??= await hers.context().storageState()
    await standStill(hers, made)
    for (const [screen, path, ready] of [
      ['dashboard', '/'],
      ['users', '/users', (page) => page.getByRole('checkbox').nth(4).check()],
      ['user', `/users/${ada.id}`],
      ['user-history', `/users/${ada.id}?tab=history`],
      ['user-new', '/users/new'],
      ['keys', '/keys'],
      ['sessions', '/sessions'],
      ['audit', '/audit', (page) => page.getByRole('button', { name: 'Changed a user · Name, Email' }).click()],
      ['settings', '/settings'],
    ]) {
      await hers.goto(path)
      await settled(hers)
      await ready?.(hers)
      await shot(hers, `screens/${screen}-${name}`)
    }
    await hers.context().close()
  }
  await swagger()
} finally {
  await c.stop()
}

/** Makes the people and what they did; maria looks at it. */
async function people() {
  await c.roster.command('seed', '--users', '240')
  const maria = await c.makeUser('admin', { name: 'Maria Lindqvist', email: 'maria.lindqvist@example.org' })
  const asMaria = await as(maria, agents.laptop)
  for (const agent of [agents.phone, agents.office]) await as(maria, agent)

  const ada = await asMaria('POST', '/api/users', { name: 'Ada Lovelace', email: 'ada@example.org', password: 'correct horse battery' })
  await asMaria('PATCH', `/api/users/${ada.id}`, { role: 'editor' })
  const asAda = await as({ email: 'ada@example.org', password: 'correct horse battery' }, agents.office)
  await asAda('PATCH', `/api/users/${ada.id}`, { name: 'Ada King' })
  await asMaria('PATCH', `/api/users/${ada.id}`, { name: 'Ada Lovelace', email: 'ada.lovelace@example.org' })

  const days = (n) => new Date(Date.now() + n * 86_400_000).toISOString()
  for (const [name, scopes, expiresAt] of [
    ['Payroll', ['users:read'], days(300)],
    ['Nightly export', ['users:read', 'stats:read'], days(5)],
    ['Directory sync', ['users:read', 'users:write'], undefined],
  ]) {
    const { secret } = await asMaria('POST', '/api/keys', { name, scopes, ...(expiresAt && { expiresAt }) })
    if (name !== 'Nightly export') await fetch(`${c.roster.url}/api/users?limit=1`, { headers: { Authorization: `Bearer ${secret}` } })
  }
  await asAda('POST', '/api/keys', { name: 'Onboarding form', scopes: ['users:write'] })
  const { data } = await c.api('GET', '/api/users?role=viewer&limit=3')
  await asMaria('PATCH', `/api/users/${data[1].id}`, { disabled: !data[1].disabled })
  await asMaria('PATCH', `/api/users/${data[2].id}`, { role: 'editor' })
  return { maria, ada }
}

/** Signs in from a device, and gives what calls the API so. */
async function as({ email, password }, agent) {
  const send = async (method, path, body, token) => {
    const headers = { 'User-Agent': agent, ...(body && { 'Content-Type': 'application/json' }), ...(token && { Authorization: `Bearer ${token}` }) }
    const answer = await fetch(c.roster.url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) })
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
    return answer.status === 204 ? undefined : answer.json()
  }
  const { token } = await send('POST', '/api/session', { email, password, token: true })
  return (method, path, body) => send(method, path, body, token)
}

/**
 * Has the page believe that it is `now`, and moves all times that the server gives along; what
 * was made in a few seconds, until `made`, lies a quarter of an hour apart for each of them.
 */
async function standStill(page, made) {
  const moved = (text) => {
    const age = made - Date.parse(text)
    return new Date(now - (age > 0 && age < 60_000 ? age * 900 : age)).toISOString()
  }
  await page.clock.setFixedTime(now)
  await page.route('**/api/**', async (route) => {
    const answer = await route.fetch()
    const text = (await answer.text()).replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, moved)
    await route.fulfill({ response: answer, body: route.request().url().includes('/api/stats') ? busy(text) : text })
  })
}

/** Gives the statistics a month of people who come and go: these have signed in just now only. */
function busy(text) {
  if (!text.startsWith('{')) return text
  const stats = JSON.parse(text)
  stats.sessions += 37
  const week = [0.2, 1, 1.15, 1.05, 1, 0.85, 0.25] // from Sunday on
  stats.days.forEach((day, i) => {
    const at = new Date(now - (stats.days.length - 1 - i) * 86_400_000)
    const much = week[at.getUTCDay()] * (1 + i / 120) * (1 + ((i * 7919) % 13) / 60)
    Object.assign(day, {
      day: at.toISOString().slice(0, 10),
      signUps: Math.round(9 * much + ((i * 31) % 7)),
      signIns: Math.round(118 * much),
      signInFailures: Math.round(5 * much + ((i * 17) % 5)),
    })
  })
  return JSON.stringify(stats)
}

/** Takes a picture as WebP, which is small, once nothing loads or moves. */
async function shot(page, name) {
  await settled(page)
  await page.evaluate(() => document.fonts.ready)
  const session = await page.context().newCDPSession(page)
  const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: 88 })
  await session.detach()
  await write(`${name}.webp`, Buffer.from(data, 'base64'))
}

async function swagger() {
  const { page } = await c.open('/sign-in', { viewport: { width: 1120, height: 832 } })
  await page.goto('/docs')
  await page.locator('.opblock').first().waitFor()
  await page.screenshot({ path: `${docs}swagger-ui.png` })
  await page.context().close()
}

async function write(name, bytes) {
  await writeFile(docs + name, bytes)
  const { size } = await stat(docs + name)
  if (size > most) throw new Error(`${name} has ${size} bytes; the most is ${most}`)
  console.log(`docs/${name}: ${Math.round(size / 1024)} KB`)
}

// The TypeScript client, as it is published, in a real browser.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { openPage, startBrowser } from './browser.js'
import { startRoster } from './roster.js'

let roster, browser

before(async () => {
  roster = await startRoster()
  browser = await startBrowser()
})

after(async () => {
  await browser?.close()
  await roster?.stop()
})

test('the built client works in a browser', async () => {
  const { page, faults } = await openPage(browser, roster.url)
  // The page's own origin hands out the package's files: there is no CORS yet.
  await page.route('**/client/**', async (route) => {
    const path = new URL(route.request().url()).pathname.replace('/client/', '')
    const body = await readFile(new URL(`../../clients/typescript/dist/${path}`, import.meta.url))
    await route.fulfill({ contentType: 'text/javascript', body })
  })
  await page.goto('/docs')
  const seen = await page.evaluate(async () => {
    const { createRoster, etagOf, RosterError } = await import('/client/index.js')
    const client = createRoster({ baseUrl: location.origin })
    const made = await client.createUser({ name: 'Ada', email: 'browser@example.org', password: 'correct horse' })
    const changed = await client.updateUser(made.id, { role: 'editor' }, { ifMatch: etagOf(made) })
    const emails = []
    for await (const user of client.users({ role: 'editor', limit: 1 })) emails.push(user.email)
    const refused = await client.updateUser(made.id, { name: 'x' }, { ifMatch: etagOf(made) }).catch((error) => error)
    await client.deleteUser(made.id)
    return { role: changed.role, emails, typed: refused instanceof RosterError, code: refused.code }
  })
  assert.deepEqual(seen, { role: 'editor', emails: ['browser@example.org'], typed: true, code: 'precondition_failed' })
  // The browser itself reports the 412 that was asked for.
  assert.deepEqual(faults.filter((fault) => !/412/.test(JSON.stringify(fault))), [])
  await page.context().close()
})

// The README's page, as a reader would have it: on an origin of its own, signed in
// by a cookie.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { expect, openPage, startBrowser, without } from './browser.js'
import { servePage } from './pages.js'
import { startRoster } from './roster.js'

let roster, browser, site

// Where the page is served must be known before Roster starts, and where Roster is
// before the page can be served.
before(async () => {
  let html
  site = await servePage('localhost', () => html)
  roster = await startRoster({ ROSTER_ALLOWED_ORIGINS: site.origin })
  browser = await startBrowser()

  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
  const [, page] = /```html\n(.*?)```/s.exec(readme)
  // What a bundler does for its reader: where the package is, and where the server.
  const imports = '<script type="importmap">{"imports": {"@roster/client": "/client/index.js"}}</script>\n'
  html = page.replace('<script type="module">', `${imports}$&`).replaceAll('http://localhost:8080', roster.url)
})

after(async () => {
  await browser?.close()
  await roster?.stop()
  await site?.stop()
})

test('the page of the README signs in, and stays so', async () => {
  const { page, faults } = await openPage(browser, site.origin, { also: [roster.url] })
  await page.goto('/')
  await page.getByPlaceholder('Email').fill(roster.admin.email)
  await page.getByPlaceholder('Password').fill(roster.admin.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText(`Admin, ${roster.admin.email}`).waitFor()
  await expect(page.locator('form')).toBeHidden()

  const [cookie] = await page.context().cookies()
  assert.deepEqual([cookie.name, cookie.secure, cookie.httpOnly, cookie.sameSite], ['__Host-roster', true, true, 'Lax'])
  assert.equal(await page.evaluate(() => document.cookie), '')

  await page.reload()
  await page.getByText(`Admin, ${roster.admin.email}`).waitFor()
  assert.deepEqual(without(faults, 401), []) // of the first look, before anybody had signed in
  await page.context().close()
})

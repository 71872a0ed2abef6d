// The whole life of a user, through the screens, by what people do at them: an admin in
// one browser, the user in another.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { asShown, expect, without } from './browser.js'
import { settled, signIn, startConsole } from './console.js'

let c

// Its own, so that its audit log tells this life and no other.
before(async () => {
  c = await startConsole({})
})

after(() => c?.stop())

const go = async (page, place) => {
  await page.getByRole('navigation', { name: 'Navigation' }).getByRole('link', { name: place }).click()
  await page.getByRole('heading', { level: 1, name: place }).waitFor()
  await settled(page)
}
const signedIn = (page) => page.getByRole('navigation', { name: 'Navigation' }).waitFor()
const signInPage = (page) => page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor()
const field = (at, label) => at.getByRole('textbox', { name: label, exact: true })
const dialog = (page, title) => page.getByRole('dialog', { name: title })

test('a user is created, works, forgets the password, rises, is put out, comes back and goes', async (t) => {
  const email = 'ada@example.org'
  const passwords = { first: 'the first engine of note', second: 'the second engine of note' }
  const admin = await c.open('/sign-in')
  const user = await c.open('/sign-in')
  const [a, u] = [admin.page, user.page]
  let id, secret
  const byKey = async () => (await fetch(`${c.roster.url}/api/users?limit=1`, { headers: { Authorization: `Bearer ${secret}` } })).status

  // What comes after an act that failed would only fail, too.
  let failed = false
  const act = (name, does) => t.test(name, async (it) => {
    if (failed) return it.skip('an act before it has failed')
    failed = true
    await does()
    failed = false
  })

  await act('an admin signs in and creates the user', async () => {
    await signIn(a, c.roster.admin)
    await signedIn(a)
    await go(a, 'Users')
    await a.getByRole('link', { name: 'Create a user' }).click()
    await field(a, 'Name').fill('Ada Byron')
    await field(a, 'Email').fill(email)
    await a.getByRole('radio', { name: 'Viewer' }).check()
    await field(a, 'Password').fill(passwords.first)
    await a.getByRole('button', { name: 'Create the user' }).click()
    await a.getByRole('heading', { level: 1, name: 'Ada Byron' }).waitFor()
    await settled(a)
    id = new URL(a.url()).pathname.split('/').at(-1)
    assert.equal((await c.api('GET', `/api/users/${id}`)).email, email)
  })

  await act('the user signs in and changes their name', async () => {
    await signIn(u, { email, password: passwords.first })
    await signedIn(u)
    await expect(u.getByRole('link', { name: 'Audit' })).toHaveCount(0)
    await go(u, 'Settings')
    await field(u, 'Name').fill('Ada Lovelace')
    await u.getByRole('button', { name: 'Save' }).click()
    await u.getByRole('button', { name: 'Account of Ada Lovelace' }).waitFor()
  })

  await act('the user makes a key, and a service calls with it', async () => {
    await go(u, 'Keys')
    await u.getByRole('button', { name: 'Create a key' }).first().click()
    const making = dialog(u, 'Create a key')
    await field(making, 'Name').fill('Difference engine')
    await making.getByRole('checkbox', { name: 'Read users' }).check()
    await making.getByRole('button', { name: 'Create a key' }).click()
    const made = dialog(u, /Difference engine/)
    secret = await made.getByLabel('Secret').inputValue()
    await u.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await made.getByRole('button', { name: 'Copy' }).click()
    await made.getByRole('button', { name: 'Copied' }).waitFor()
    await made.getByRole('button', { name: 'Done' }).click()
    await made.waitFor({ state: 'detached' })
    await u.getByText('Difference engine').first().waitFor()
    await settled(u)
    assert.equal(await byKey(), 200)
  })

  await act('the admin makes a link for a forgotten password, and the user chooses a new one', async () => {
    await a.reload()
    await a.getByRole('heading', { level: 1, name: 'Ada Lovelace' }).waitFor()
    await settled(a)
    await a.getByRole('button', { name: 'Make a link' }).click()
    const link = await dialog(a, 'A link for Ada Lovelace').getByLabel('Link').inputValue()
    await dialog(a, 'A link for Ada Lovelace').getByRole('button', { name: 'Done' }).click()
    await u.goto(link)
    await field(u, 'New password').fill(passwords.second)
    await u.getByRole('button', { name: 'Set the password' }).click()
    await signInPage(u)
    await signIn(u, { email, password: passwords.first })
    await u.getByRole('alert').getByText('The email or the password is wrong').waitFor()
    await signIn(u, { email, password: passwords.second })
    await signedIn(u)
    await settled(u)
  })

  await act('the admin makes an editor of the user', async () => {
    await go(u, 'Users')
    await expect(u.getByRole('link', { name: 'Create a user' })).toHaveCount(0)
    await a.getByRole('radio', { name: 'Editor' }).click()
    await a.getByRole('button', { name: 'Save' }).click()
    await a.getByText('Saved.', { exact: true }).first().waitFor()
    await settled(a)
    assert.equal((await c.api('GET', `/api/users/${id}`)).role, 'editor')
    await u.reload()
    // Another role ends the sessions that had the old one, or it holds at once: either way it is seen after signing in.
    await u.getByRole('heading', { level: 1, name: /^(Users|Sign in)$/ }).waitFor()
    if (new URL(u.url()).pathname === '/sign-in') {
      await signIn(u, { email, password: passwords.second })
      await signedIn(u)
    }
    await go(u, 'Users')
    await u.getByRole('link', { name: 'Create a user' }).waitFor()
    await settled(u)
  })

  await act('the admin disables the user, who is put out, and the key with them', async () => {
    await a.getByRole('button', { name: 'Disable' }).click()
    await dialog(a, 'Disable Ada Lovelace?').getByRole('button', { name: 'Disable' }).click()
    await a.getByRole('button', { name: 'Enable' }).waitFor()
    await u.reload()
    await signInPage(u)
    await signIn(u, { email, password: passwords.second })
    await u.getByRole('alert').getByText('or the account is disabled').waitFor()
    assert.equal(await byKey(), 401)
  })

  await act('and enables them again', async () => {
    await a.getByRole('button', { name: 'Enable' }).click()
    await a.getByRole('button', { name: 'Disable' }).waitFor()
    await a.getByText('Ada Lovelace is enabled.').first().waitFor()
    await signIn(u, { email, password: passwords.second })
    await signedIn(u)
    await settled(u)
    assert.equal(await byKey(), 200)
  })

  await act('the admin deletes the user, who is gone, and all that was theirs', async () => {
    await a.getByRole('button', { name: 'Delete' }).click()
    const asks = dialog(a, 'Delete Ada Lovelace?')
    await asks.getByText('1 session, which ends at once.').waitFor()
    await asks.getByText('1 key, which stops working at once.').waitFor()
    await asks.getByRole('button', { name: 'Delete' }).click()
    await a.waitForURL('**/users')
    await settled(a)
    await expect(a.getByRole('row').filter({ hasText: email })).toHaveCount(0)
    await u.reload()
    await signInPage(u)
    assert.equal(await byKey(), 401)
  })

  await act('the audit tells all of it', async () => {
    await go(a, 'Audit')
    const entries = a.getByRole('main').getByRole('button', { expanded: false }).filter({ hasText: /^(Created|Changed|Chose|Made|Signed|Deleted)/ })
    await expect(entries.filter({ hasNotText: /^\s*Signed in\s*$/ })).toHaveText([
      'Deleted a user',
      'Changed a user · Disabled', // enabled again
      'Changed a user · Disabled',
      'Changed a user · Role',
      'Chose a password by a link',
      'Made a password link',
      'Created a key',
      'Changed a user · Name',
      'Created a user',
      'Created a user', // the first admin, by Roster itself
    ], asShown)
    await entries.first().click()
    await a.getByRole('main').getByText('Ada Lovelace').first().waitFor() // as they were before
    const all = await a.getByRole('main').innerText()
    for (const hidden of [secret, passwords.first, passwords.second]) assert.ok(!all.includes(hidden))
    await a.reload()
    await entries.first().waitFor()
    await settled(a)
  })

  assert.deepEqual(without(admin.faults, 401, 404), []) // the deleted user, looked for once more
  assert.deepEqual(without(user.faults, 401), [])
  await a.context().close()
  await u.context().close()
})

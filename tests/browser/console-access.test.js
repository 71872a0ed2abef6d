// The console's access: keys and their secrets, sessions here and elsewhere, and the
// audit log, by role, by mouse and keyboard, on a wide screen and a phone.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { asShown, expect, without } from './browser.js'
import { assertAccessible, settled, sizes, startConsole, themes } from './console.js'

let c

before(async () => {
  c = await startConsole()
})

after(() => c?.stop())

const clipboard = { permissions: ['clipboard-read', 'clipboard-write'] }

/** Calls the server as a service does, and gives the status. */
async function statusBy(secret, path = '/api/users') {
  const answer = await fetch(c.roster.url + path, { headers: { Authorization: `Bearer ${secret}` } })
  await answer.text()
  return answer.status
}

/** Waits until something the server says is so. */
async function until(is) {
  for (const end = Date.now() + 20_000; Date.now() < end;) if (await is()) return
  assert.fail('it did not come to be')
}

const keysOf = async (user) => (await c.api('GET', `/api/keys?userId=${user.id}`)).data
const sessionsOf = async (user) => (await c.api('GET', `/api/sessions?userId=${user.id}`)).data
const inDays = (days) => new Date(Date.now() + days * 86_400_000).toISOString()

/** Opens the dialog, fills it, and gives the secret that is shown. */
async function createKey(page, name, ...scopes) {
  await page.getByRole('button', { name: 'Create a key' }).first().click()
  const dialog = page.getByRole('dialog', { name: 'Create a key' })
  await dialog.getByLabel('Name', { exact: true }).fill(name)
  for (const scope of scopes) await dialog.getByRole('checkbox', { name: scope }).click()
  await dialog.getByRole('button', { name: 'Create a key' }).click()
  return await secretOf(page, `“${name}” is made`)
}

async function secretOf(page, title) {
  const dialog = page.getByRole('dialog', { name: title })
  const secret = await dialog.getByLabel('Secret').inputValue()
  assert.match(secret, /^rst_\w{20,}$/)
  return { dialog, secret }
}

async function copyAndClose(dialog) {
  await dialog.getByRole('button', { name: 'Copy' }).click()
  await dialog.getByRole('button', { name: 'Copied' }).waitFor()
  await dialog.getByRole('button', { name: 'Done' }).click()
  await dialog.waitFor({ state: 'detached' })
}

/** Waits until no dialog is left, those behind another one included. */
async function noDialog(page) {
  await page.waitForFunction(() => !document.querySelector('[role=dialog]'))
}

async function chooseAction(page, name, action) {
  await page.getByRole('button', { name: `Actions for ${name}` }).click()
  await page.getByRole('menuitem', { name: action }).click()
}

/** Presses Tab, or another key, until the focus is there. */
async function tabTo(page, locator, key = 'Tab') {
  for (let presses = 0; presses < 80; presses++) {
    if (await locator.evaluate((element) => element === document.activeElement)) return
    await page.keyboard.press(key)
  }
  assert.fail(`the keyboard does not come to ${locator}`)
}

/** Counts where in the page's memory a text is: in what is shown, kept or reached from the app. */
function placesOf(page, text) {
  return page.evaluate((text) => {
    const found = []
    const has = (value, where) => typeof value === 'string' && value.includes(text) && found.push(where)
    has(document.documentElement.outerHTML, 'markup')
    for (const field of document.querySelectorAll('input, textarea')) has(field.value, 'field')
    has(JSON.stringify({ ...localStorage, ...sessionStorage }), 'storage')
    has(`${location.href} ${JSON.stringify(history.state)}`, 'history')
    const seen = new Set()
    const left = [[document.querySelector('#app'), 'app']]
    while (left.length > 0 && seen.size < 300_000) {
      const [value, way] = left.pop()
      has(value, way)
      if (value === null || !['object', 'function'].includes(typeof value) || seen.has(value) || value === window) continue
      seen.add(value)
      if (value instanceof Map || value instanceof Set) for (const one of value.entries()) left.push([one, `${way}[]`])
      for (const name of Reflect.ownKeys(value)) {
        const own = Reflect.getOwnPropertyDescriptor(value, name)
        if (own && 'value' in own) left.push([own.value, `${way.slice(-200)}.${String(name)}`])
      }
    }
    return { found, seen: seen.size }
  }, text)
}

describe('keys', () => {
  test('live from their making to their end', async () => {
    const { page, faults, who } = await c.openAs('editor', '/keys', clipboard)
    await page.getByText('No keys').waitFor()

    await page.getByRole('button', { name: 'Create a key' }).first().click()
    const dialog = page.getByRole('dialog', { name: 'Create a key' })
    await dialog.getByRole('button', { name: 'Create a key' }).click()
    await dialog.locator('[id$=-error]').nth(1).waitFor() // of the name and of the scopes
    await expect(dialog.getByLabel('Name', { exact: true })).toHaveAttribute('aria-invalid', 'true')
    await expect(dialog.getByRole('group', { name: 'What it may do' })).toHaveAttribute('aria-invalid', 'true')
    await dialog.getByLabel('Name', { exact: true }).fill('Nightly export')
    await page.keyboard.press('Escape') // what was typed stays
    const { dialog: shown, secret } = await createKey(page, 'Nightly export', 'Read users', 'Read statistics')

    const [key] = await keysOf(who)
    assert.deepEqual([key.name, key.scopes], ['Nightly export', ['users:read', 'stats:read']])
    assert.ok(Math.abs(new Date(key.expiresAt) - new Date(inDays(90))) < 60_000)
    await shown.getByRole('button', { name: 'Done' }).click()
    const asked = page.getByRole('dialog', { name: 'Close without copying the secret?' })
    await assertAccessible(page, 'the question')
    await asked.getByRole('button', { name: 'Cancel' }).click()
    await asked.waitFor({ state: 'detached' })
    await copyAndClose(shown)
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), secret)
    assert.deepEqual([await statusBy(secret), await statusBy(secret, '/api/audit')], [200, 403])

    await chooseAction(page, 'Nightly export', 'Rotate')
    const rotate = page.getByRole('dialog', { name: 'Rotate “Nightly export”?' })
    await rotate.getByRole('combobox', { name: 'The old secret works' }).click()
    await page.getByRole('option', { name: 'for another hour' }).click()
    await rotate.getByRole('button', { name: 'Rotate' }).click()
    const { dialog: again, secret: newer } = await secretOf(page, '“Nightly export” has a new secret')
    await again.getByText(/^The old secret works until /).waitFor()
    await copyAndClose(again)
    assert.notEqual(newer, secret)
    assert.deepEqual([await statusBy(secret), await statusBy(newer)], [200, 200])

    await chooseAction(page, 'Nightly export', 'Revoke')
    const revoke = page.getByRole('dialog', { name: 'Revoke “Nightly export”?' })
    await revoke.getByText('Services that use it stop working at once').waitFor()
    await revoke.getByRole('button', { name: 'Revoke' }).click()
    await page.getByText('No keys').waitFor()
    assert.deepEqual([await statusBy(secret), await statusBy(newer)], [401, 401])
    assert.deepEqual(await keysOf(who), [])

    for (const one of [secret, newer]) {
      const { found, seen } = await placesOf(page, one)
      assert.deepEqual(found, [])
      assert.ok(seen > 5_000, `only ${seen} things were looked at`)
      assert.ok(!JSON.stringify(await c.api('GET', '/api/audit?limit=100')).includes(one))
    }
    assert.deepEqual(without(faults, 422), [])
    await page.context().close()
  })

  test('with no overlap the old secret ends at once', async () => {
    const { page, faults } = await c.openAs('viewer', '/keys', clipboard)
    const { dialog, secret } = await createKey(page, 'Short', 'Read users')
    await copyAndClose(dialog)
    await chooseAction(page, 'Short', 'Rotate')
    await page.getByRole('combobox', { name: 'The old secret works' }).click()
    await page.getByRole('option', { name: 'no more, from now on' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Rotate' }).click()
    const { dialog: again, secret: newer } = await secretOf(page, '“Short” has a new secret')
    await again.getByText('The old secret does not work any more.').waitFor()
    assert.deepEqual([await statusBy(secret), await statusBy(newer)], [401, 200])
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Close anyway' }).click()
    await noDialog(page)
    assert.deepEqual((await placesOf(page, newer)).found, [])
    assert.deepEqual(faults, [])
    await page.context().close()
  })

  test('do not lose their secret to the way back', async () => {
    const { page, faults } = await c.openAs('viewer', '/settings', clipboard)
    await page.getByRole('navigation', { name: 'Navigation' }).getByRole('link', { name: 'Keys' }).click()
    const { dialog } = await createKey(page, 'Kept', 'Read users')
    await page.goBack()
    await page.getByRole('dialog', { name: 'Close without copying the secret?' }).getByRole('button', { name: 'Cancel' }).click()
    await expect(page).toHaveURL(`${c.roster.url}/keys`)
    await copyAndClose(dialog)
    assert.deepEqual(faults, [])
    await page.context().close()
  })

  for (const role of ['viewer', 'editor', 'admin']) {
    test(`are never wider than their owner: ${role}`, async () => {
      const { page, faults } = await c.openAs(role, '/keys', clipboard)
      const { permissions } = await page.evaluate(async () => (await fetch('/api/session')).json())
      const grantable = permissions.filter((word) => word !== 'profile' && !word.startsWith('keys:'))
      await page.getByRole('button', { name: 'Create a key' }).first().click()
      const dialog = page.getByRole('dialog', { name: 'Create a key' })
      await expect(dialog.getByRole('checkbox')).toHaveCount(grantable.length)
      const shortcuts = ['All that a viewer may', 'All that an editor may', 'All that an admin may'].slice(0, ['viewer', 'editor', 'admin'].indexOf(role) + 1)
      await expect(dialog.getByRole('button', { name: /^All that/ })).toHaveText(shortcuts, asShown)
      await dialog.getByRole('button', { name: shortcuts.at(-1) }).click()
      await expect(dialog.getByRole('checkbox', { checked: true })).toHaveCount(grantable.length)
      const name = `All of ${role}`
      await dialog.getByLabel('Name', { exact: true }).fill(name)
      await dialog.getByRole('combobox', { name: 'Expires' }).click()
      await page.getByRole('option', { name: 'Never expires' }).click()
      await dialog.getByRole('button', { name: 'Create a key' }).click()
      await copyAndClose((await secretOf(page, `“${name}” is made`)).dialog)
      const { data } = await c.api('GET', '/api/keys?all=true&limit=100')
      const key = data.find((one) => one.name === name)
      assert.deepEqual([key.scopes.toSorted(), key.expiresAt], [grantable.toSorted(), null])
      await expect(page.getByRole('radio', { name: 'Everybody’s keys' })).toHaveCount(role === 'admin' ? 1 : 0)
      if (role !== 'admin') {
        await page.goto('/keys?whose=all') // by hand: one's own all the same
        await settled(page)
        await expect(page.getByRole('button', { name: /^Actions for/ })).toHaveCount(1)
      }
      assert.deepEqual(faults, [])
      await page.context().close()
    })
  }

  test('of everybody are the admin’s to see and to revoke', async () => {
    const owner = await c.makeUser('editor', { name: 'Olga Owner' })
    await c.api('POST', '/api/keys', { name: 'Of Olga', scopes: ['users:write'], userId: owner.id })
    const { page, faults } = await c.openAs('admin', '/keys')
    await page.getByRole('radio', { name: 'Everybody’s keys' }).click()
    await page.getByRole('link', { name: 'Olga Owner' }).waitFor()
    await settled(page)
    await page.reload()
    await settled(page)
    const row = page.getByRole('row').filter({ hasText: 'Of Olga' })
    await expect(row.getByRole('link', { name: 'Olga Owner' })).toHaveAttribute('href', `/users/${owner.id}`)
    await chooseAction(page, 'Of Olga', 'Revoke')
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await noDialog(page)
    await row.waitFor({ state: 'detached' })
    assert.deepEqual(await keysOf(owner), [])
    assert.deepEqual(faults, [])
    await page.context().close()
  })

  test('end on a day, warn before, and are faint after', async () => {
    const user = await c.makeUser('viewer')
    await c.api('POST', '/api/keys', { name: 'Soon over', scopes: ['users:read'], userId: user.id, expiresAt: inDays(3) })
    const { secret } = await c.api('POST', '/api/keys', { name: 'Over', scopes: ['users:read'], userId: user.id, expiresAt: new Date(Date.now() + 1_500).toISOString() })
    await until(async () => (await statusBy(secret)) === 401)
    const { page, faults } = await c.openAs(user, '/keys', clipboard)
    await page.getByRole('row').filter({ hasText: 'Soon over' }).getByText('Expires in 3 days').filter({ visible: true }).first().waitFor()
    await page.getByRole('row').filter({ hasText: 'Over' }).getByText(/^Expired/).filter({ visible: true }).first().waitFor()
    await page.getByRole('button', { name: 'Actions for Over' }).click()
    await expect(page.getByRole('menuitem')).toHaveText(['Revoke'], asShown)
    await page.keyboard.press('Escape')

    await page.getByRole('button', { name: 'Create a key' }).click()
    const dialog = page.getByRole('dialog', { name: 'Create a key' })
    await dialog.getByLabel('Name', { exact: true }).fill('Until a day')
    await dialog.getByRole('checkbox', { name: 'Read users' }).click()
    await dialog.getByRole('combobox', { name: 'Expires' }).click()
    await page.getByRole('option', { name: 'After a day…' }).click()
    await dialog.getByLabel('Last day').fill('2099-12-31')
    await dialog.getByRole('button', { name: 'Create a key' }).click()
    await dialog.getByText(/at most 10 years ahead/i).waitFor()
    const [day] = inDays(20).split('T')
    await dialog.getByLabel('Last day').fill(day)
    await dialog.getByRole('button', { name: 'Create a key' }).click()
    await copyAndClose((await secretOf(page, '“Until a day” is made')).dialog)
    const made = (await keysOf(user)).find(({ name }) => name === 'Until a day')
    const last = await page.evaluate((at) => new Date(at).toLocaleString('sv'), made.expiresAt)
    assert.equal(last, `${day} 23:59:59`)
    assert.deepEqual(without(faults, 422), [])
    await page.context().close()
  })

  test('are made once, also when the answer is lost', async () => {
    const { page, who } = await c.openAs('viewer', '/keys', clipboard)
    let lost = 0
    await page.route('**/api/keys', async (route) => {
      if (route.request().method() !== 'POST' || lost > 0) return route.continue()
      lost += 1
      await route.fetch()
      return route.abort()
    })
    const { dialog, secret } = await createKey(page, 'Once', 'Read users')
    assert.equal(lost, 1)
    assert.equal(await statusBy(secret), 200)
    await copyAndClose(dialog)
    assert.equal((await keysOf(who)).length, 1)
    await page.context().close()
  })

  test('are made after a session that has ended', async () => {
    const { page, faults, who } = await c.openAs('viewer', '/keys', clipboard)
    await page.getByRole('button', { name: 'Create a key' }).first().click()
    const dialog = page.getByRole('dialog', { name: 'Create a key' })
    await dialog.getByLabel('Name', { exact: true }).fill('Late')
    await dialog.getByRole('checkbox', { name: 'Read users' }).click()
    for (const { id } of await sessionsOf(who)) await c.api('DELETE', `/api/sessions/${id}`)
    await dialog.getByRole('button', { name: 'Create a key' }).click()
    await signInAgain(page, who)
    await copyAndClose((await secretOf(page, '“Late” is made')).dialog)
    assert.equal((await keysOf(who)).length, 1)
    assert.deepEqual(without(faults, 401), [])
    await page.context().close()
  })

  test('that somebody else has revoked meanwhile are no trouble', async () => {
    const user = await c.makeUser('viewer')
    const { key } = await c.api('POST', '/api/keys', { name: 'Gone', scopes: ['users:read'], userId: user.id })
    const { page, faults } = await c.openAs(user, '/keys')
    await c.api('DELETE', `/api/keys/${key.id}`)
    await chooseAction(page, 'Gone', 'Rotate')
    await page.getByRole('dialog').getByRole('button', { name: 'Rotate' }).click()
    await page.getByRole('alert').getByText('This is not there, or not any more.').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
    await chooseAction(page, 'Gone', 'Revoke')
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await page.getByText('No keys').waitFor()
    assert.deepEqual(without(faults, 404), [])
    await page.context().close()
  })

  test('come in pages, which a reload keeps', async () => {
    const user = await c.makeUser('viewer')
    for (let n = 1; n <= 23; n++) await c.api('POST', '/api/keys', { name: `Key ${n}`, scopes: ['users:read'], userId: user.id })
    const { page, faults } = await c.openAs(user, '/keys')
    await page.getByText('23 keys').waitFor()
    await page.getByRole('link', { name: 'Next' }).click()
    await page.getByText('Key 3', { exact: true }).waitFor()
    await settled(page)
    await page.reload()
    await settled(page)
    await expect(page.getByRole('button', { name: /^Actions for/ })).toHaveCount(3)
    await page.getByRole('link', { name: 'Previous' }).click()
    await page.getByText('Key 23', { exact: true }).waitFor()
    await page.goto('/keys?cursor=of-another-list')
    await page.getByRole('button', { name: 'To the first page' }).click()
    await page.getByText('Key 23', { exact: true }).waitFor()
    await expect(page).toHaveURL(`${c.roster.url}/keys`)
    assert.deepEqual(without(faults, 422), [])
    await page.context().close()
  })

  test('need no mouse', async () => {
    const { page, faults, who } = await c.openAs('viewer', '/keys', clipboard)
    await tabTo(page, page.getByRole('button', { name: 'Create a key' }).first())
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog', { name: 'Create a key' })
    await tabTo(page, dialog.getByLabel('Name', { exact: true }))
    await page.keyboard.type('By keyboard')
    await tabTo(page, dialog.getByRole('checkbox', { name: 'Read users' }))
    await page.keyboard.press('Space')
    await tabTo(page, dialog.getByRole('combobox', { name: 'Expires' }))
    await page.keyboard.press('Enter')
    await tabTo(page, page.getByRole('option', { name: 'In 30 days' }), 'ArrowUp')
    await page.keyboard.press('Enter')
    await tabTo(page, dialog.getByRole('button', { name: 'Create a key' }))
    await page.keyboard.press('Enter')
    const { dialog: shown } = await secretOf(page, '“By keyboard” is made')
    await tabTo(page, shown.getByRole('button', { name: 'Copy' }))
    await page.keyboard.press('Enter')
    await shown.getByRole('button', { name: 'Copied' }).waitFor()
    await tabTo(page, shown.getByRole('button', { name: 'Done' }))
    await page.keyboard.press('Enter')
    await shown.waitFor({ state: 'detached' })
    const [key] = await keysOf(who)
    assert.ok(Math.abs(new Date(key.expiresAt) - new Date(inDays(30))) < 120_000)
    await tabTo(page, page.getByRole('button', { name: 'Actions for By keyboard' }))
    await page.keyboard.press('Enter')
    await page.getByRole('menuitem', { name: 'Revoke' }).waitFor()
    await page.keyboard.press('End')
    await page.keyboard.press('Enter')
    const revoke = page.getByRole('dialog', { name: 'Revoke “By keyboard”?' })
    await revoke.waitFor()
    await tabTo(page, revoke.getByRole('button', { name: 'Revoke' }))
    await page.keyboard.press('Enter')
    await page.getByText('No keys').waitFor()
    assert.deepEqual(faults, [])
    await page.context().close()
  })
})

async function signInAgain(page, { password }) {
  const expired = page.getByRole('dialog', { name: 'Your session has ended' })
  await expired.getByLabel('Password', { exact: true }).fill(password)
  await expired.getByRole('button', { name: 'Sign in and go on' }).click()
  await expired.waitFor({ state: 'detached' })
}

describe('sessions', () => {
  test('of one browser are ended from another, which is asked to sign in again', async () => {
    const user = await c.makeUser('viewer')
    const b = await c.openAs(user, '/settings', { userAgent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1' })
    const a = await c.openAs(user, '/sessions', { userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' })
    await a.page.getByRole('row').filter({ hasText: 'Firefox 140 on Linux' }).getByText('This session').waitFor()
    await a.page.getByRole('button', { name: /^End the session of Safari 18 on iPhone/ }).click()
    const dialog = a.page.getByRole('dialog', { name: 'End this session?' })
    await dialog.getByText('Safari 18 on iPhone').waitFor()
    await assertAccessible(a.page, 'the question')
    await dialog.getByRole('button', { name: 'End' }).click()
    await a.page.getByText('Safari 18 on iPhone').first().waitFor({ state: 'detached' })
    assert.equal((await sessionsOf(user)).length, 1)

    await b.page.getByLabel('Name', { exact: true }).fill('Typed on the phone')
    await b.page.getByRole('button', { name: 'Save' }).click()
    await signInAgain(b.page, user)
    await b.page.getByText('Your name is saved.').first().waitFor()
    assert.equal((await c.api('GET', `/api/users/${user.id}`)).name, 'Typed on the phone')

    await settled(a.page)
    await a.page.reload()
    await settled(a.page)
    await expect(a.page.getByRole('row')).toHaveCount(3) // with the head
    assert.deepEqual(a.faults, [])
    assert.deepEqual(without(b.faults, 401), [])
    await a.page.context().close()
    await b.page.context().close()
  })

  test('all others end at once', async () => {
    const user = await c.makeUser('viewer')
    const others = [await c.openAs(user, '/settings'), await c.openAs(user, '/settings')]
    const { page, faults } = await c.openAs(user, '/sessions')
    await page.getByRole('button', { name: 'Sign out everywhere else' }).click()
    const dialog = page.getByRole('dialog', { name: 'Sign out everywhere else?' })
    await dialog.getByText('This ends 2 other sessions.').waitFor()
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    await dialog.waitFor({ state: 'detached' })
    assert.equal((await sessionsOf(user)).length, 3)
    await page.getByRole('button', { name: 'Sign out everywhere else' }).click()
    await dialog.getByRole('button', { name: 'Sign out everywhere else' }).click()
    await page.getByText('2 sessions ended.').first().waitFor()
    assert.equal((await sessionsOf(user)).length, 1)
    await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 1)
    for (const other of others) {
      await other.page.getByRole('button', { name: 'Save' }).click()
      await other.page.getByRole('dialog', { name: 'Your session has ended' }).waitFor()
      assert.deepEqual(without(other.faults, 401), [])
      await other.page.context().close()
    }
    await page.getByRole('button', { name: 'Sign out everywhere else' }).click()
    await page.getByText('You are signed in here only.').first().waitFor()
    assert.deepEqual(faults, [])
    await page.context().close()
  })

  test('of this browser is signed out of, by the keyboard', async () => {
    const { page, faults, who } = await c.openAs('viewer', '/sessions')
    await tabTo(page, page.getByRole('row').getByRole('button', { name: 'Sign out' }))
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog', { name: 'Sign out?' })
    await dialog.waitFor()
    await tabTo(page, dialog.getByRole('button', { name: 'Sign out' }))
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    assert.deepEqual(await sessionsOf(who), [])
    assert.deepEqual(without(faults, 401), [])
    await page.context().close()
  })

  test('that cannot be loaded say so, and are loaded again', async () => {
    const { page } = await c.openAs('viewer', '/settings')
    const broken = (route) => route.fulfill({ status: 500, contentType: 'application/problem+json', body: '{"code":"internal","detail":"No.","status":500,"requestId":"r1"}' })
    await page.route('**/api/sessions*', broken)
    await page.getByRole('navigation', { name: 'Navigation' }).getByRole('link', { name: 'Sessions' }).click()
    await page.getByRole('alert').getByText('Its log has it under r1').waitFor()
    await page.unroute('**/api/sessions*', broken)
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByText('This session').first().waitFor()
    await page.context().close()
  })
})

describe('audit', () => {
  const entries = (page) => page.getByRole('list', { name: 'Audit' }).getByRole('listitem').filter({ has: page.locator('[data-opens]') })

  test('tells who changed what, before and after', async () => {
    const user = await c.makeUser('viewer', { name: 'Ada Byron' })
    await c.api('PATCH', `/api/users/${user.id}`, { name: 'Ada Lovelace', role: 'editor' })
    const { page, faults } = await c.openAs('admin', `/audit?targetId=${user.id}`, clipboard)
    await expect(page.locator('[data-opens]')).toHaveText(['Changed a user · Name, Role', 'Created a user'], asShown)
    const changed = entries(page).first()
    await expect(changed.getByRole('link', { name: 'Ada Lovelace' })).toHaveAttribute('href', `/users/${user.id}`)
    await changed.getByRole('link', { name: c.roster.admin.email }).waitFor()
    await changed.getByText('127.0.0.1').or(changed.getByText('::1')).first().waitFor()

    await page.locator('[data-opens]').first().focus()
    await page.keyboard.press('Enter')
    const table = changed.getByRole('table', { name: 'What was changed' })
    await expect(table.locator('th, td')).toHaveText(['Field', 'Before', 'After', 'Name', 'Ada Byron', 'Ada Lovelace', 'Role', 'Viewer', 'Editor'], asShown)
    await expect(table.locator('del')).toHaveText(['Ada Byron', 'Viewer'], asShown)
    await expect(table.locator('ins')).toHaveText(['Ada Lovelace', 'Editor'], asShown)
    const { data } = await c.api('GET', `/api/audit?targetId=${user.id}`)
    await changed.getByRole('button', { name: 'Copy: Request' }).click()
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), data[0].requestId)
    assert.ok(!(await page.content()).includes(user.password))

    await page.locator('[data-opens]').first().focus()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await entries(page).nth(1).getByRole('rowheader', { name: 'Email' }).waitFor()
    await expect(entries(page).nth(1).getByRole('columnheader')).toHaveText(['Field', 'After'], asShown)
    await page.keyboard.press('Enter')
    await entries(page).nth(1).getByRole('table').waitFor({ state: 'detached' })
    assert.deepEqual(faults, [])
    await page.context().close()
  })

  test('knows keys, the command line and those who are gone', async () => {
    const { key, secret } = await c.api('POST', '/api/keys', { name: 'Directory sync', scopes: ['users:read', 'users:write'] })
    const answer = await fetch(`${c.roster.url}/api/users`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${secret}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ name: 'Made by a key', email: `by-key-${process.pid}@example.org`, role: 'viewer', password: 'correct horse battery' }),
    })
    assert.equal(answer.status, 201)
    const made = await answer.json()
    await c.api('PATCH', `/api/users/${made.id}`, { role: 'editor' })
    await c.api('DELETE', `/api/users/${made.id}`)
    const { page, faults } = await c.openAs('admin', `/audit?actorId=${key.id}`)
    await expect(entries(page)).toHaveCount(1)
    await entries(page).getByText('Directory sync').first().waitFor()
    await expect(page.getByLabel('Who', { exact: true })).toHaveValue('Directory sync')
    await page.goto(`/audit?targetId=${made.id}`)
    await settled(page)
    await expect(page.locator('[data-opens]')).toHaveText(['Deleted a user', 'Changed a user · Role', 'Created a user'], asShown)
    await entries(page).nth(1).getByText('a deleted user').waitFor()
    const { userId } = await c.api('GET', '/api/session')
    await page.goto(`/audit?targetId=${userId}&operation=createUser`)
    await settled(page)
    await entries(page).getByText('first start').waitFor()
    await entries(page).getByText('no address').waitFor()
    const { data } = await c.api('GET', '/api/audit?limit=100')
    assert.ok(!JSON.stringify(data).includes(secret))
    assert.deepEqual(without(faults, 404), [])
    await page.context().close()
  })

  test('is filtered, by an address that can be reloaded and shared', async () => {
    const editor = await c.makeUser('editor', { name: 'Filter Person' })
    const b = await c.openAs(editor, '/settings')
    await b.page.evaluate(async () => {
      const { userId } = await (await fetch('/api/session')).json()
      await (await fetch(`/api/users/${userId}`, { method: 'PATCH', headers: { 'Content-Type': 'application/json' }, body: '{"name":"Filter Person II"}' })).text()
    })
    await b.page.context().close()

    const { page, faults } = await c.openAs('admin', '/audit')
    await page.getByLabel('Who', { exact: true }).click()
    await page.keyboard.type('filter person')
    await page.getByRole('option', { name: /Filter Person II/ }).click()
    await page.waitForURL(`**/audit?actorId=${editor.id}`)
    await settled(page)
    await expect(page.locator('[data-opens]')).toHaveText(['Changed a user · Name', 'Signed in'], asShown)
    await page.getByRole('combobox', { name: 'What', exact: true }).click()
    await page.getByRole('option', { name: 'Signed in' }).click()
    await page.waitForURL(`**/audit?actorId=${editor.id}&operation=signIn`)
    await page.getByRole('combobox', { name: 'On what' }).click()
    await page.getByRole('option', { name: 'Keys' }).click()
    await page.getByText('No entries').waitFor()
    await page.goBack()
    await page.getByRole('list', { name: 'Audit' }).getByText('Signed in').waitFor()
    await settled(page)
    await page.reload()
    await settled(page)
    await expect(page.getByLabel('Who', { exact: true })).toHaveValue(/filter person|editor-/i)
    await expect(page.locator('[data-opens]')).toHaveText(['Signed in'], asShown)

    await page.getByLabel('Before').fill('2020-01-01T12:30')
    await page.getByText('No entries').waitFor()
    const at = await page.evaluate(() => new Date('2020-01-01T12:30').toISOString())
    await expect(page).toHaveURL((url) => url.searchParams.get('to') === at)
    await page.getByRole('button', { name: 'Clear the filters' }).last().click()
    await page.waitForURL('**/audit')
    await expect(page.getByLabel('Before')).toHaveValue('')
    await page.getByLabel('From', { exact: true }).fill('2099-01-01T00:00')
    await page.getByText('No entries').waitFor()
    await page.getByLabel('From', { exact: true }).fill('')
    await entries(page).first().waitFor()
    await expect(page).toHaveURL(`${c.roster.url}/audit`)
    assert.deepEqual(without(faults, 404), []) // of users who are gone
    await page.context().close()
  })

  test('comes in pages, newest first', async () => {
    const user = await c.makeUser('viewer', { name: 'Much Changed' })
    for (let n = 1; n <= 22; n++) await c.api('PATCH', `/api/users/${user.id}`, { name: `Much Changed ${n}` })
    const { page, faults } = await c.openAs('admin', `/audit?targetId=${user.id}`)
    await page.getByText('23 entries').waitFor()
    await expect(entries(page)).toHaveCount(20)
    await page.getByRole('link', { name: 'Next' }).click()
    await page.getByText('Created a user').last().waitFor()
    await page.waitForFunction(() => document.querySelectorAll('[data-opens]').length === 3)
    await settled(page)
    await page.reload()
    await settled(page)
    await expect(entries(page)).toHaveCount(3)
    await page.getByRole('button', { name: /^Remove the filter/ }).click() // and with it the cursor, which is of that list
    await page.waitForURL('**/audit')
    await page.waitForFunction(() => document.querySelectorAll('[data-opens]').length === 20)
    await settled(page)
    await page.goto('/audit?cursor=of-another-list')
    await page.getByRole('button', { name: 'To the first page' }).click()
    await page.waitForURL('**/audit')
    await entries(page).first().waitFor()
    await settled(page)
    await page.goto('/audit?actorId=nobody')
    await page.getByText('This could not be loaded').waitFor()
    await page.getByRole('button', { name: 'Clear the filters' }).click()
    await entries(page).first().waitFor()
    assert.deepEqual(without(faults, 422), [])
    await page.context().close()
  })
})

describe('every screen of access', () => {
  for (const theme of themes) {
    for (const size of Object.keys(sizes)) {
      test(`has no serious barrier and fits, ${theme}, ${size}`, async () => {
        await c.api('POST', '/api/keys', { name: `A key with a name that is as long as it takes to be too long for a phone ${theme} ${size}`, scopes: ['users:read', 'users:write', 'users:admin', 'audit:read'], expiresAt: inDays(2) })
        const { page, faults } = await c.openAs('admin', '/sessions', { theme, size, ...clipboard })
        const look = async (what) => {
          await assertAccessible(page, what)
          assert.equal(await page.evaluate(() => document.documentElement.scrollWidth) <= sizes[size].viewport.width, true, `${what} is wider than the screen`)
        }
        await look('sessions')
        await page.goto('/keys?whose=all')
        await settled(page)
        await look('keys')
        await page.getByRole('button', { name: /^Actions for A key/ }).first().click()
        await page.getByRole('menuitem', { name: 'Rotate' }).waitFor()
        await look('the menu')
        await page.getByRole('menuitem', { name: 'Rotate' }).click()
        await page.getByRole('dialog', { name: /^Rotate/ }).waitFor()
        await look('rotating')
        await page.getByRole('button', { name: 'Cancel' }).click()
        await page.getByRole('dialog').waitFor({ state: 'detached' })
        await page.getByRole('button', { name: 'Create a key' }).click()
        await page.getByRole('dialog', { name: 'Create a key' }).waitFor()
        await page.getByRole('button', { name: 'All that an editor may' }).click()
        await look('creating')
        await page.getByRole('dialog').getByRole('button', { name: 'Create a key' }).click()
        await page.locator('[id$=-error]').first().waitFor()
        await look('creating, refused')
        await page.getByRole('dialog').getByLabel('Name', { exact: true }).fill(`Seen ${theme} ${size}`)
        await page.getByRole('dialog').getByRole('button', { name: 'Create a key' }).click()
        const { dialog } = await secretOf(page, `“Seen ${theme} ${size}” is made`)
        await look('the secret')
        await copyAndClose(dialog)
        await page.goto('/audit')
        await settled(page)
        if (size === 'phone') await page.getByRole('button', { name: 'Filters' }).click()
        await page.locator('[data-opens]').filter({ hasText: 'Created a key' }).first().click()
        await page.getByRole('table', { name: 'What was changed' }).waitFor()
        await look('audit')
        await page.getByLabel('Who', { exact: true }).click()
        await page.getByRole('option', { name: 'Anybody' }).waitFor()
        await look('choosing who')
        await page.keyboard.press('Escape')
        await page.getByRole('listbox').waitFor({ state: 'detached' })
        await page.goto('/audit?targetId=019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d21')
        await page.getByText('No entries').waitFor()
        await look('audit, empty')
        assert.deepEqual(without(faults, 422, 404), [])
        await page.context().close()
      })
    }
  }
})

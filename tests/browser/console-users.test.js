// The console's list of users, what is done to many of them at once, and creating one.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { after, before, describe, test } from 'node:test'
import { asShown, expect, without } from './browser.js'
import { assertAccessible, settled, sizes, startConsole, themes } from './console.js'

let c

before(async () => {
  c = await startConsole()
})

after(() => c?.stop())

/** Makes users of one word, which finds them and no others: "Marple 01", "Marple 02". */
async function makeMany(word, n, role = 'viewer') {
  const made = []
  for (let i = 1; i <= n; i++) { // one by one: few passwords are hashed at once
    const name = `${word} ${String(i).padStart(2, '0')}`
    made.push(await c.makeUser(role, { name, email: `${name.replaceAll(' ', '.').toLowerCase()}@example.org` }))
  }
  return made
}

const names = (page) => page.locator('tbody tr td a')
const row = (page, name) => page.getByRole('row').filter({ hasText: name })
const choose = (page, name) => page.getByRole('checkbox', { name: `Choose ${name}`, exact: true }).click()
const chooseAll = (page) => page.getByRole('checkbox', { name: 'Choose all on this page' }).click()
const pressed = (page, name) => page.getByRole('button', { name, exact: true }).click()
const closed = (page) => page.getByRole('dialog').waitFor({ state: 'detached' })
const queryOf = (page) => Object.fromEntries(new URL(page.url()).searchParams)

/** Whether a user is there still. */
async function there(id) {
  const { status } = await fetch(`${c.roster.url}/api/users/${id}`, { headers: { Authorization: `Bearer ${await token()}` } })
  return status === 200
}

let admins
/** A session of the admin, for answers that are no success. */
async function token() {
  admins ??= fetch(`${c.roster.url}/api/session`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ ...c.roster.admin, token: true }),
  }).then((answer) => answer.json())
  return (await admins).token
}

/** Fails unless the page, and the table in it, fit into the window. */
async function assertFits(page) {
  const wide = await page.evaluate(() => [document.documentElement, ...document.querySelectorAll('main, .overflow-x-auto')]
    .filter((element) => element.scrollWidth > element.clientWidth + 1).map((element) => `${element.tagName} ${element.className}`))
  assert.deepEqual(wide, [])
}

describe('the list', () => {
  let many

  before(async () => {
    many = [...await makeMany('Marple', 45), ...await makeMany('Poirot', 3, 'editor')]
  })

  test('searches as one types, without a request for each key, and keeps the place', async () => {
    const { page, faults } = await c.openAs('viewer', '/users')
    const asked = []
    page.on('request', (request) => {
      const url = new URL(request.url())
      if (url.pathname === '/api/users') asked.push(url.searchParams.get('q'))
    })
    const search = page.getByRole('searchbox')
    await search.pressSequentially('ma')
    await page.getByText('Type at least 3 characters to search.').waitFor()
    await search.pressSequentially('rple 4', { delay: 20 })
    await page.getByText('6 users found').waitFor()
    assert.deepEqual(asked, ['marple 4'])
    await expect.poll(() => queryOf(page)).toEqual({ q: 'marple 4' })
    await expect(names(page)).toHaveText(['Marple 45', 'Marple 44', 'Marple 43', 'Marple 42', 'Marple 41', 'Marple 40'].sort(byNewest(many)), asShown)
    await page.reload()
    await page.getByText('6 users found').waitFor()
    await expect(search).toHaveValue('marple 4')
    await search.press('End')
    await search.pressSequentially('2')
    await page.getByText('1 user found').waitFor()
    await page.goBack() // before the search, not through its letters
    await page.getByText(/^\d+ users · page 1/).waitFor()
    await expect(search).toHaveValue('')
    await page.goForward()
    await page.getByText('1 user found').waitFor()
    await expect(search).toHaveValue('marple 42')
    await search.fill('x'.repeat(101))
    await page.getByText('A search takes at most 100 characters.').waitFor()
    assert.deepEqual(faults, [])
    await page.context().close()
  })

  test('leaves the space at the end of what is typed', async () => {
    const { page } = await c.openAs('viewer', '/users')
    await page.getByRole('searchbox').pressSequentially('marple ')
    await page.getByText('45 users found').waitFor()
    await page.getByRole('searchbox').pressSequentially('07')
    await page.getByText('1 user found').waitFor()
    await expect(names(page)).toHaveText(['Marple 07'], asShown)
    await page.context().close()
  })

  test('cancels what a newer search has overtaken, and keeps the old rows meanwhile', async () => {
    const { page, faults } = await c.openAs('viewer', '/users?q=poirot&sort=name')
    let release
    const held = new Promise((resolve) => (release = resolve))
    await page.route(/q=marple(\+|%20)0$|q=marple(\+|%20)0&/, async (route) => {
      await held
      await route.continue().catch(() => {}) // nobody waits for it any more
    })
    const search = page.getByRole('searchbox')
    const overtaken = page.waitForEvent('requestfailed', (request) => /q=marple(\+|%20)0/.test(request.url()))
    await search.fill('marple 0')
    await page.locator('table[aria-busy=true]').waitFor()
    await expect(names(page)).toHaveText(['Poirot 01', 'Poirot 02', 'Poirot 03'], asShown)
    await search.fill('marple 11')
    await page.getByText('1 user found').waitFor()
    await overtaken
    release()
    await expect(names(page)).toHaveText(['Marple 11'], asShown)
    await page.unrouteAll({ behavior: 'wait' })
    await search.fill('marple 0') // asked for again, it is no failure
    await page.getByText('9 users found').waitFor()
    assert.deepEqual(faults, [])
    await page.context().close()
  })

  test('filters, sorts and pages; the address has it all', async () => {
    const { page, faults } = await c.openAs('viewer', '/users?q=marple')
    await page.getByRole('button', { name: 'Name', exact: true }).click()
    await row(page, 'Marple 01').waitFor()
    await expect(page.getByRole('columnheader', { name: 'Name' })).toHaveAttribute('aria-sort', 'ascending')
    await expect(names(page).first()).toHaveText('Marple 01', asShown)
    await expect(names(page).nth(1)).toHaveText('Marple 02', asShown)
    await page.getByRole('link', { name: 'Next' }).click()
    await page.getByText('45 users found · page 2 of 3').waitFor()
    await expect(names(page).first()).toHaveText('Marple 21', asShown)
    await expect.poll(() => queryOf(page)).toEqual({ q: 'marple', sort: 'name', cursor: expect.stringMatching(/./) })
    await page.reload()
    await page.getByText('45 users found · page 2 of 3').waitFor()
    await expect(names(page).first()).toHaveText('Marple 21', asShown)
    await page.getByRole('link', { name: 'Next' }).click()
    await row(page, 'Marple 45').waitFor()
    await expect(page.getByRole('button', { name: 'Next' })).toBeDisabled()
    await page.goBack()
    await row(page, 'Marple 21').waitFor()

    await page.getByRole('button', { name: 'Name', exact: true }).click() // the other way round, from its start
    await row(page, 'Marple 45').waitFor()
    await expect.poll(() => queryOf(page)).toEqual({ q: 'marple', sort: '-name' })
    await page.getByRole('combobox', { name: 'Users on a page' }).click()
    await page.getByRole('option', { name: '50 a page' }).click()
    await page.getByText('45 users found', { exact: true }).waitFor()
    await expect.poll(() => queryOf(page)).toEqual({ q: 'marple', sort: '-name', limit: '50' })
    await page.getByRole('combobox', { name: 'Role' }).click()
    await page.getByRole('option', { name: 'Editor' }).click()
    await page.getByText('No users found').waitFor()
    await expect.poll(() => queryOf(page)).toEqual({ q: 'marple', sort: '-name', limit: '50', role: 'editor' })
    await page.reload()
    await page.getByText('No users found').waitFor()
    await page.getByRole('button', { name: 'Clear the filters' }).click()
    await page.getByRole('status').getByText(/^\d+ users( ·|$)/).waitFor()
    await expect(page.getByRole('searchbox')).toHaveValue('')
    await expect.poll(() => queryOf(page)).toEqual({ sort: '-name', limit: '50' })
    await page.goBack()
    await page.getByText('No users found').waitFor()
    assert.deepEqual(faults, [])
    await page.context().close()
  })

  test('leads to the first page where a cursor holds no more, or shows nothing', async () => {
    const { page, faults } = await c.openAs('viewer', '/users?q=marple&cursor=nonsense')
    await page.getByText('This page is not there').waitFor()
    await page.getByRole('button', { name: 'To the first page' }).click()
    await page.getByText('45 users found').waitFor()
    await expect.poll(() => queryOf(page)).toEqual({ q: 'marple' })
    await page.goto('/users?q=ab&role=nobody&sort=up&limit=7') // all of it no words of the list
    await page.getByText('Type at least 3 characters to search.').waitFor()
    await settled(page)
    await expect(names(page)).toHaveCount(20)
    assert.deepEqual(without(faults, 422), [])
    await page.context().close()
  })

  test('says that it could not be loaded, and tries again', async () => {
    const { page, faults } = await c.openAs('viewer', '/settings')
    const broken = (route) => route.fulfill({ status: 500, contentType: 'application/problem+json', body: '{"code":"internal","detail":"No.","status":500,"requestId":"abc"}' })
    await page.route('**/api/users?*', broken)
    await page.goto('/users')
    await page.getByRole('alert').getByText('Its log has it under abc').waitFor()
    await page.unroute('**/api/users?*', broken)
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('table', { name: 'Users' }).waitFor()
    await settled(page)
    assert.deepEqual(without(faults, 500), [])
    await page.context().close()
  })

  test('is walked by the keyboard alone', async () => {
    const { page, faults } = await c.openAs('editor', '/users?sort=name')
    const at = () => page.evaluate(() => document.activeElement?.querySelector('td a')?.textContent)
    await page.keyboard.press('/')
    await page.keyboard.type('marple')
    await page.getByText('45 users found').waitFor()
    await settled(page)
    await page.keyboard.press('ArrowDown')
    await expect.poll(at).toBe('Marple 01')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    await expect.poll(at).toBe('Marple 03')
    await page.keyboard.press('Space')
    await page.getByText('1 chosen').waitFor()
    await page.keyboard.press('ArrowUp')
    await page.keyboard.press('Space')
    await page.getByText('2 chosen').waitFor()
    await page.keyboard.press('Space')
    await page.getByText('1 chosen').waitFor()
    await page.keyboard.press('End')
    await expect.poll(at).toBe('Marple 20')
    await page.keyboard.press('Enter')
    await page.waitForURL(`**/users/${many.find(({ name }) => name === 'Marple 20').id}`)
    await settled(page)
    await page.goBack()
    await page.getByText('45 users found').waitFor()
    await expect.poll(() => queryOf(page)).toEqual({ sort: 'name', q: 'marple' })
    assert.deepEqual(faults, [])
    await page.context().close()
  })

  test('opens a user by a click, too', async () => {
    const { page, faults } = await c.openAs('viewer', '/users?q=poirot&sort=name')
    await page.getByRole('link', { name: 'Poirot 02' }).click()
    await page.waitForURL(`**/users/${many.find(({ name }) => name === 'Poirot 02').id}`)
    await settled(page)
    assert.deepEqual(faults, [])
    await page.context().close()
  })

  test('offers each role what it may do', async () => {
    const offered = { viewer: [], editor: ['Change role'], admin: ['Disable', 'Enable', 'Change role', 'Delete'] }
    for (const [role, actions] of Object.entries(offered)) {
      const { page, faults } = await c.openAs(role, '/users?q=poirot')
      await expect(page.getByRole('link', { name: 'Create a user' }), role).toBeVisible({ visible: role !== 'viewer' })
      await expect(page.getByRole('checkbox'), role).toHaveCount(role === 'viewer' ? 0 : 4)
      if (role !== 'viewer') {
        await chooseAll(page)
        await page.getByText('3 chosen').waitFor()
        const bar = page.getByRole('group', { name: 'What to do with the chosen users' })
        await expect(bar.getByRole('button'), role).toHaveText(['Clear', ...actions], asShown)
        await pressed(page, 'Change role')
        await expect(page.getByRole('menuitem')).toHaveText(role === 'admin' ? ['Admin', 'Editor', 'Viewer'] : ['Editor', 'Viewer'], asShown)
        await page.keyboard.press('Escape')
      }
      assert.deepEqual(faults, [])
      await page.context().close()
    }
  })

  for (const theme of themes) {
    for (const size of Object.keys(sizes)) {
      test(`is readable and has no serious barrier, ${theme}, ${size}`, async () => {
        const [long] = await makeMany(`${theme}${size} with a name that is longer than a column`, 1)
        await c.api('PATCH', `/api/users/${long.id}`, { disabled: true })
        const { page, faults } = await c.openAs('admin', '/users', { theme, size })
        await assertFits(page)
        await assertAccessible(page, 'the list')
        await chooseAll(page)
        await page.getByText('20 chosen').waitFor()
        await assertFits(page)
        await assertAccessible(page, 'the list with all chosen')
        await pressed(page, 'Delete')
        await page.getByRole('dialog', { name: 'Delete 20 users' }).waitFor()
        await assertAccessible(page, 'deleting')
        await pressed(page, 'Cancel')
        await closed(page)
        await pressed(page, 'Enable')
        await page.getByText('All done.').waitFor()
        await assertAccessible(page, 'what became of each')
        await pressed(page, 'Close')
        await closed(page)
        await page.goto('/users?q=nobody-at-all')
        await settled(page)
        await assertAccessible(page, 'nobody found')
        await page.goto('/users/new')
        await settled(page)
        await pressed(page, 'Create the user')
        await page.locator('[id$=-error]').first().waitFor()
        await pressed(page, 'Generate a password')
        await page.getByLabel('Generated password').waitFor()
        await assertFits(page)
        await assertAccessible(page, 'creating')
        assert.deepEqual(without(faults, 422), [])
        await page.context().close()
      })
    }
  }
})

describe('many at once', () => {
  test('the choice outlasts paging; four at once, waiting when asked to, each with its result', async () => {
    const many = await makeMany('Wimsey', 24)
    const { page, faults } = await c.openAs('admin', '/users?q=wimsey&sort=name')
    await chooseAll(page)
    await page.getByText('20 chosen').waitFor()
    await page.getByRole('link', { name: 'Next' }).click()
    await row(page, 'Wimsey 24').waitFor()
    await choose(page, 'Wimsey 22')
    await choose(page, 'Wimsey 23')
    await page.getByText('22 chosen').waitFor()
    await page.getByRole('link', { name: 'Previous' }).click()
    await row(page, 'Wimsey 01').waitFor()
    await choose(page, 'Wimsey 20')
    await page.getByText('21 chosen').waitFor()
    await expect(page.getByRole('checkbox', { name: 'Choose all on this page' })).toHaveAttribute('aria-checked', 'mixed')

    await c.api('DELETE', `/api/users/${many[4].id}`) // Wimsey 05: somebody else was faster
    let inFlight = 0
    let most = 0
    let refused = false
    await page.route('**/api/users/*', async (route) => {
      if (route.request().method() !== 'PATCH') return route.fallback()
      most = Math.max(most, ++inFlight)
      const is8th = route.request().url().endsWith(many[7].id)
      if (is8th && !refused) {
        refused = true
        await route.fulfill({ status: 429, contentType: 'application/problem+json', headers: { 'Retry-After': '4' }, body: '{"code":"rate_limited","detail":"Too many.","status":429}' })
      } else {
        const response = await route.fetch()
        await new Promise((resolve) => setImmediate(resolve)) // so that others begin meanwhile
        inFlight -= 1
        return route.fulfill({ response })
      }
      inFlight -= 1
    })
    await pressed(page, 'Disable')
    const asks = page.getByRole('dialog', { name: 'Disable 21 users' })
    await asks.getByText('Wimsey 01, Wimsey 02, Wimsey 03, Wimsey 04, Wimsey 05 and 16 others.').waitFor()
    await asks.getByRole('button', { name: 'Disable' }).click()
    const dialog = page.getByRole('dialog', { name: 'Disable 21 users' })
    await dialog.getByText(/^Roster asks to wait\. It goes on in \d seconds?\.$/).waitFor()
    await dialog.getByText('20 of 21 done · 1 failed').waitFor()
    await dialog.getByText('What failed or was not begun stays chosen.').waitFor()
    assert.equal(most, 4)
    await expect(dialog.getByRole('listitem').first()).toHaveText(/Wimsey 05[^]*This is not there, or not any more\.[^]*Failed/, asShown)
    await pressed(page, 'Close')
    await page.getByText('1 chosen').waitFor()
    const { data } = await c.api('GET', '/api/users?q=wimsey&limit=100')
    assert.deepEqual(data.filter(({ disabled }) => !disabled).map(({ name }) => name).sort(), ['Wimsey 20', 'Wimsey 21', 'Wimsey 24'])
    await row(page, 'Wimsey 01').getByText('Disabled').filter({ visible: true }).waitFor()
    await pressed(page, 'Clear')
    await page.getByText('23 users found').waitFor()
    assert.deepEqual(without(faults, 404, 429), [])
    await page.context().close()
  })

  test('is stopped in between, and gone on with', async () => {
    await makeMany('Maigret', 12)
    const { page, faults } = await c.openAs('admin', '/settings')
    await page.getByRole('link', { name: 'Users' }).click()
    await page.getByRole('searchbox').fill('maigret')
    await page.getByText('12 users found').waitFor()
    const waiting = []
    let begun
    const four = new Promise((resolve) => (begun = resolve))
    await page.route('**/api/users/*', async (route) => {
      await new Promise((resolve) => {
        waiting.push(resolve)
        if (waiting.length === 4) begun()
      })
      await route.continue()
    })
    await chooseAll(page)
    await pressed(page, 'Change role')
    await page.getByRole('menuitem', { name: 'Editor' }).click()
    const asks = page.getByRole('dialog', { name: 'Change the role of 12 users to Editor' })
    await asks.getByText('The roles they had are not kept').waitFor()
    await asks.getByRole('button', { name: 'Change role' }).click()
    await four
    const dialog = page.getByRole('dialog')
    await dialog.getByText('0 of 12 done').waitFor()
    await page.keyboard.press('Escape') // does not hide what goes on
    await page.evaluate(() => history.go(-2)) // nor does leaving
    await dialog.getByRole('button', { name: 'Stop' }).press('Enter')
    await dialog.getByText('Stopping: what is under way is finished first.').waitFor()
    for (const go of waiting) go()
    await dialog.getByText('4 of 12 done · 8 not begun').waitFor()
    assert.equal(waiting.length, 4)
    await page.unrouteAll({ behavior: 'wait' })
    assert.equal((await c.api('GET', '/api/users?q=maigret&role=editor')).pagination.total, 4)
    await dialog.getByRole('button', { name: 'Try again with 8' }).click()
    await dialog.getByText('12 of 12 done').waitFor()
    await dialog.getByText('All done.').waitFor()
    await pressed(page, 'Close')
    await page.getByText('12 users found').waitFor() // nobody is chosen any more
    await page.waitForFunction(() => document.activeElement?.tagName === 'TR')
    assert.equal((await c.api('GET', '/api/users?q=maigret&role=editor')).pagination.total, 12)
    assert.deepEqual(faults, [])
    await page.context().close()
  })

  test('deleting asks first and says what goes with it', async () => {
    const many = await makeMany('Brown', 3)
    const { page, faults } = await c.openAs('admin', '/users?q=brown&sort=name')
    await choose(page, 'Brown 01')
    await choose(page, 'Brown 02')
    await pressed(page, 'Delete')
    const asks = page.getByRole('dialog', { name: 'Delete 2 users' })
    await asks.getByText('Brown 01, Brown 02.').waitFor()
    for (const words of ['Their sessions', 'Their keys', 'Their passwords', 'The audit log keeps what they did.']) await asks.getByText(words).waitFor()
    await asks.getByRole('button', { name: 'Cancel' }).click()
    await page.getByText('2 chosen').waitFor()
    await closed(page)
    assert.equal(await there(many[0].id), true)
    await pressed(page, 'Delete')
    await asks.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByText('2 of 2 done').waitFor()
    await pressed(page, 'Close')
    await page.getByText('1 user found').waitFor()
    assert.deepEqual(await Promise.all(many.map(({ id }) => there(id))), [false, false, true])
    assert.deepEqual(faults, [])
    await page.context().close()
  })

  test('deleting more than ten asks for their number, by the keyboard alone', async () => {
    const many = await makeMany('Dalgliesh', 11)
    const { page, faults } = await c.openAs('admin', '/users?q=dalgliesh&sort=name')
    const focus = (locator) => locator.focus()
    await focus(page.getByRole('checkbox', { name: 'Choose all on this page' }))
    await page.keyboard.press('Space')
    await page.getByText('11 chosen').waitFor()
    await focus(page.getByRole('button', { name: 'Delete' }))
    await page.keyboard.press('Enter')
    const asks = page.getByRole('dialog', { name: 'Delete 11 users' })
    await asks.waitFor()
    const number = asks.getByLabel('Type 11 to go on')
    await page.waitForFunction(() => document.activeElement?.tagName === 'INPUT')
    await page.keyboard.type('12')
    await expect(asks.getByRole('button', { name: 'Delete' })).toBeDisabled()
    await page.keyboard.press('Enter')
    await expect(asks).toBeVisible()
    await number.fill('11')
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog')
    await dialog.getByText('11 of 11 done').waitFor()
    await dialog.getByText('All done.').waitFor()
    await page.keyboard.press('Enter') // the focus stands on Close
    await page.getByText('No users found').waitFor()
    assert.deepEqual(await Promise.all(many.map(({ id }) => there(id))), many.map(() => false))
    assert.deepEqual(faults, [])
    await page.context().close()
  })

  test('what cannot be done to oneself is said by the server’s answer', async () => {
    await makeMany('Vance', 1)
    const { page, faults } = await c.openAs('admin', '/users?sort=createdAt&limit=100')
    const me = page.getByRole('row').filter({ has: page.getByText('you', { exact: true }) })
    await me.getByRole('checkbox').click()
    await pressed(page, 'Change role')
    await page.getByRole('menuitem', { name: 'Viewer' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Change role' }).click()
    await page.getByRole('dialog').getByText('Nobody changes their own role.').waitFor()
    await pressed(page, 'Close')
    await page.getByText('1 chosen').waitFor()
    for (const action of ['Disable', 'Delete']) {
      await pressed(page, action)
      const asks = page.getByRole('dialog', { name: `${action} 1 user` })
      await asks.getByText('You are among them: you will be signed out').waitFor()
      await asks.getByRole('button', { name: action }).click()
      await page.getByRole('dialog').getByText('This is the last admin who can sign in').waitFor()
      await pressed(page, 'Close')
      await closed(page)
    }
    await page.getByText('1 chosen').waitFor()
    assert.deepEqual(without(faults, 403, 409), [])
    await page.context().close()
  })

  test('oneself comes last, and is signed out then', async () => {
    const many = await makeMany('Holmes', 6)
    const admin = await c.makeUser('admin', { name: 'Holmes 00' })
    const { page, faults } = await c.openAs(admin, '/users?q=holmes&sort=name')
    await chooseAll(page)
    await pressed(page, 'Disable')
    await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('7 of 7 done').waitFor()
    await dialog.getByText('closing this leads to the sign-in page').waitFor()
    await pressed(page, 'Close')
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    for (const { id } of [admin, ...many]) assert.equal((await c.api('GET', `/api/users/${id}`)).disabled, true)
    assert.deepEqual(without(faults, 401), [])
    await page.context().close()
  })

  test('an editor is told that an admin is not theirs to change', async () => {
    const [admin] = await makeMany('Columbo', 1, 'admin')
    const viewer = await c.makeUser('viewer', { name: 'Columbo 02' })
    const { page, faults } = await c.openAs('editor', '/users?q=columbo&sort=name')
    await chooseAll(page)
    await pressed(page, 'Change role')
    await page.getByRole('menuitem', { name: 'Editor' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Change role' }).click()
    const failed = page.getByRole('dialog').getByRole('listitem').filter({ hasText: 'Columbo 01' })
    await failed.getByText('You may not do this.').waitFor()
    await page.getByRole('dialog').getByText('1 of 2 done · 1 failed').waitFor()
    await pressed(page, 'Close')
    assert.equal((await c.api('GET', `/api/users/${viewer.id}`)).role, 'editor')
    assert.equal((await c.api('GET', `/api/users/${admin.id}`)).role, 'admin')
    await page.getByText('1 chosen').waitFor()
    assert.deepEqual(without(faults, 403), [])
    await page.context().close()
    await c.api('DELETE', `/api/users/${admin.id}`)
  })

  test('goes on after the session has ended and is there again', async () => {
    const many = await makeMany('Alleyn', 6)
    const { page, faults, who } = await c.openAs('editor', '/users?q=alleyn&sort=name')
    await chooseAll(page)
    const { data } = await c.api('GET', `/api/sessions?userId=${who.id}`)
    for (const { id } of data) await c.api('DELETE', `/api/sessions/${id}`)
    await pressed(page, 'Change role')
    await page.getByRole('menuitem', { name: 'Editor' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Change role' }).click()
    const expired = page.getByRole('dialog', { name: 'Your session has ended' })
    await expired.getByLabel('Password', { exact: true }).fill(who.password)
    await expired.getByRole('button', { name: 'Sign in and go on' }).click()
    await page.getByRole('dialog').getByText('6 of 6 done').waitFor()
    await pressed(page, 'Close')
    await page.getByText('6 users found').waitFor()
    for (const { id } of many) assert.equal((await c.api('GET', `/api/users/${id}`)).role, 'editor')
    assert.deepEqual(without(faults, 401), [])
    await page.context().close()
  })
})

describe('many at once, with the server’s own limit', () => {
  test('waits, and does all of it', async () => {
    const limited = await startConsole({ ROSTER_RATE_LIMIT: '1000/1m', ROSTER_RATE_LIMIT_CALLER: '20/20s' })
    try {
      for (let i = 10; i < 24; i++) await limited.makeUser('viewer', { name: `Quincy ${i}` })
      const { page, faults } = await limited.openAs(await limited.makeUser('admin'), '/users?q=quincy&sort=name')
      let refused = 0
      page.on('response', (response) => (refused += response.status() === 429 ? 1 : 0))
      await chooseAll(page)
      await pressed(page, 'Disable')
      await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click()
      await page.getByText('14 of 14 done').waitFor()
      await pressed(page, 'Close')
      await page.getByText('14 users found').waitFor()
      await chooseAll(page)
      await pressed(page, 'Change role')
      await page.getByRole('menuitem', { name: 'Editor' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Change role' }).click()
      await page.getByText('14 of 14 done').waitFor()
      await page.getByText('All done.').waitFor()
      assert.ok(refused > 0, 'nothing was refused: this test shows nothing')
      await pressed(page, 'Close')
      await page.locator('tbody tr').filter({ hasText: 'Editor' }).nth(13).waitFor()
      assert.deepEqual(without(faults, 429), [])
    } finally {
      await limited.stop()
    }
  })
})

describe('creating a user', () => {
  const field = (page, label) => page.getByRole('textbox', { name: label, exact: true })
  const fill = async (page, { name, email, password }) => {
    await field(page, 'Name').fill(name)
    await field(page, 'Email').fill(email)
    await field(page, 'Password').fill(password)
  }
  const create = (page) => pressed(page, 'Create the user')
  /** Gives what a field says, to readers too, of what was typed into it. */
  const errorOf = async (page, label) => {
    await expect(field(page, label), label).toHaveAttribute('aria-describedby', /-error( |$)/)
    const ids = (await field(page, label).getAttribute('aria-describedby')).split(' ')
    return page.locator(`[id="${ids.find((id) => id.endsWith('-error'))}"]`)
  }

  test('shows what the server says of each field beside it, and keeps what was typed', async () => {
    const taken = await c.makeUser()
    const { page, faults } = await c.openAs('editor', '/users/new')
    await fill(page, { name: '  ', email: 'no address', password: 'short' })
    await create(page)
    for (const label of ['Name', 'Email', 'Password']) {
      await expect(field(page, label)).toHaveAttribute('aria-invalid', 'true')
      await expect(await errorOf(page, label), label).toHaveText(/.{6}/, asShown)
    }
    await page.waitForFunction(() => document.activeElement?.getAttribute('name') === 'name')
    await expect(field(page, 'Email')).toHaveValue('no address')
    await fill(page, { name: 'Irene Adler', email: taken.email, password: 'a scandal in bohemia' })
    await page.getByRole('radio', { name: 'Editor' }).click()
    await create(page)
    await page.getByText('Somebody else has this email.').waitFor()
    await expect(await errorOf(page, 'Email')).toHaveText('Somebody else has this email.', asShown)
    await expect(field(page, 'Name')).toHaveValue('Irene Adler')
    await expect(field(page, 'Password')).toHaveValue('a scandal in bohemia')
    await field(page, 'Email').fill('Irene.Adler@Example.org')
    await create(page)
    await page.waitForURL(/\/users\/[0-9a-f-]{36}$/)
    await page.getByText('Irene Adler is created.').filter({ visible: true }).first().waitFor()
    await settled(page)
    const made = await c.api('GET', `/api/users/${new URL(page.url()).pathname.split('/').pop()}`)
    assert.deepEqual([made.name, made.email, made.role], ['Irene Adler', 'irene.adler@example.org', 'editor'])
    assert.deepEqual(without(faults, 409, 422), [])
    await page.context().close()
  })

  test('offers an editor no admin, and an admin all roles', async () => {
    for (const [who, roles] of [['editor', 2], ['admin', 3]]) {
      const { page, faults } = await c.openAs(who, '/users/new')
      await expect(page.getByRole('radio'), who).toHaveCount(roles)
      await expect(page.getByRole('radio', { name: 'Viewer' })).toBeChecked()
      await page.reload()
      await settled(page)
      await expect(page.getByRole('radio', { name: 'Admin' }), who).toHaveCount(roles - 2)
      assert.deepEqual(faults, [])
      await page.context().close()
    }
  })

  test('makes a password that works, and shows it only now', async () => {
    const { page, faults } = await c.openAs('admin', '/users/new', { permissions: ['clipboard-read', 'clipboard-write'] })
    await field(page, 'Name').fill('Jane Tennison')
    await field(page, 'Email').fill('jane.tennison@example.org')
    await pressed(page, 'Generate a password')
    const generated = page.getByLabel('Generated password')
    const first = await generated.inputValue()
    await pressed(page, 'Generate a password')
    await expect(generated).not.toHaveValue(first)
    const password = await generated.inputValue()
    assert.match(password, /^([a-zA-Z2-9]{5}-){3}[a-zA-Z2-9]{5}$/)
    await pressed(page, 'Copy')
    await page.getByRole('button', { name: 'Copied' }).waitFor()
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), password)
    await create(page)
    await page.waitForURL(/\/users\/[0-9a-f-]{36}$/)
    await settled(page)
    await page.goBack()
    await settled(page)
    await expect(field(page, 'Password')).toHaveValue('')
    const answer = await fetch(`${c.roster.url}/api/session`, {
      method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ email: 'jane.tennison@example.org', password }),
    })
    assert.equal(answer.status, 201)
    assert.deepEqual(faults, [])
    await page.context().close()
  })

  test('makes one user, however often it is sent', async () => {
    const { page, faults } = await c.openAs('editor', '/users/new')
    const user = { name: 'Sam Spade', email: 'sam.spade@example.org', password: 'the maltese falcon' }
    await fill(page, user)
    let sent = 0
    // The server does it each time, and no answer comes back.
    const lost = async (route) => {
      if (route.request().method() !== 'POST') return route.fallback()
      sent += 1
      await route.fetch()
      await route.abort('connectionreset')
    }
    await page.route('**/api/users', lost)
    await page.getByRole('button', { name: 'Create the user' }).dblclick()
    await page.getByRole('alert').getByText('Roster does not answer').waitFor()
    assert.equal(sent, 3) // one call, with the client's two repetitions
    await expect(field(page, 'Name')).toHaveValue(user.name)
    await page.unroute('**/api/users', lost)
    await create(page)
    await page.waitForURL(/\/users\/[0-9a-f-]{36}$/)
    await settled(page)
    const { data } = await c.api('GET', `/api/users?email=${user.email}`)
    assert.deepEqual(data.map(({ id }) => id), [new URL(page.url()).pathname.split('/').pop()])
    assert.deepEqual(faults.filter((fault) => !/request failed|ERR_CONNECTION_RESET/.test(fault)), [])
    await page.context().close()
  })

  test('keeps what was typed while the server is away, and after the session has ended', async () => {
    const { page, faults, who } = await c.openAs('editor', '/users/new')
    const user = { name: 'Philip Marlowe', email: 'philip.marlowe@example.org', password: 'the long goodbye' }
    await fill(page, user)
    const away = (route) => route.fulfill({ status: 503, contentType: 'application/problem+json', headers: { 'Retry-After': '60' }, body: '{"code":"unavailable","detail":"Not now.","status":503}' })
    await page.route(/\/(api\/|ready)/, away)
    await create(page)
    await page.getByRole('alert').getByText('Roster does not answer').waitFor()
    await page.unroute(/\/(api\/|ready)/, away)
    await page.getByText('Roster does not answer at the moment. What you typed stays').waitFor({ state: 'detached' })
    await expect(field(page, 'Name')).toHaveValue(user.name)
    await expect(field(page, 'Password')).toHaveValue(user.password)
    const { data } = await c.api('GET', `/api/sessions?userId=${who.id}`)
    for (const { id } of data) await c.api('DELETE', `/api/sessions/${id}`)
    await create(page)
    const expired = page.getByRole('dialog', { name: 'Your session has ended' })
    await expired.getByLabel('Password', { exact: true }).fill(who.password)
    await expired.getByRole('button', { name: 'Sign in and go on' }).click()
    await page.waitForURL(/\/users\/[0-9a-f-]{36}$/)
    await settled(page)
    assert.equal((await c.api('GET', `/api/users?email=${user.email}`)).pagination.total, 1)
    assert.deepEqual(without(faults, 401, 503), [])
    await page.context().close()
  })
})

describe('doing something to each of many', () => {
  let bulkOf, run

  before(async () => {
    const console = new URL('../../clients/console/', import.meta.url)
    const ts = createRequire(new URL('package.json', console))('typescript')
    const source = await readFile(new URL('src/screens/users/bulk.ts', console), 'utf8')
    const { outputText } = ts.transpileModule(source, { compilerOptions: { target: 'ES2022', module: 'ESNext' } })
    ;({ bulkOf, run } = await import(`data:text/javascript;base64,${Buffer.from(outputText).toString('base64')}`))
  })

  const noPause = () => undefined
  const states = (bulk) => bulk.tasks.map(({ state }) => state)
  /** Lets all that is ready run. */
  const settle = () => new Promise((resolve) => setImmediate(resolve))

  /** An act whose calls end when the test says so. */
  function held() {
    const calls = new Map()
    const begun = []
    const act = (item) => new Promise((resolve, reject) => {
      begun.push(item)
      calls.set(item, { resolve, reject })
    })
    return { act, begun, end: (item) => calls.get(item).resolve(), fail: (item, error) => calls.get(item).reject(error) }
  }

  test('begins four, and the next whenever one ends', async () => {
    const { act, begun, end } = held()
    const bulk = bulkOf([1, 2, 3, 4, 5, 6])
    const whole = run(bulk, { act, pauseOf: noPause, stop: new AbortController().signal })
    await settle()
    assert.deepEqual(begun, [1, 2, 3, 4])
    end(3)
    await settle()
    assert.deepEqual(begun, [1, 2, 3, 4, 5])
    assert.deepEqual(states(bulk), ['running', 'running', 'done', 'running', 'running', 'waiting'])
    assert.equal(bulk.running, true)
    for (const item of [1, 2, 4, 5]) end(item)
    await settle()
    end(6)
    await whole
    assert.deepEqual(states(bulk), Array(6).fill('done'))
    assert.equal(bulk.running, false)
  })

  test('says why something failed, goes on, and tries again what failed', async () => {
    const why = new Error('no')
    const bulk = bulkOf([1, 2, 3])
    const tried = []
    const how = { pauseOf: noPause, stop: new AbortController().signal }
    await run(bulk, { ...how, act: async (item) => { if (item === 2) throw why } })
    assert.deepEqual(states(bulk), ['done', 'failed', 'done'])
    assert.equal(bulk.tasks[1].error, why)
    await run(bulk, { ...how, act: async (item) => tried.push(item) })
    assert.deepEqual(tried, [2])
    assert.deepEqual(bulk.tasks[1], { item: 2, state: 'done', error: undefined })
  })

  test('waits as long as the longest answer asks, all of it, and then tries the same again', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'] })
    const { act, begun, end, fail } = held()
    const bulk = bulkOf([1, 2, 3, 4, 5])
    const whole = run(bulk, { act, pauseOf: (error) => error.seconds, stop: new AbortController().signal, atOnce: 2 })
    await settle()
    fail(1, { seconds: 10 })
    fail(2, { seconds: 90 })
    await settle()
    assert.equal(bulk.pausedUntil, Date.now() + 90_000)
    for (const seconds of [10, 50, 29]) {
      t.mock.timers.tick(seconds * 1000)
      await settle()
      assert.deepEqual(begun, [1, 2])
    }
    t.mock.timers.tick(1_000)
    await settle()
    assert.deepEqual(begun.slice(2).sort(), [1, 2])
    assert.equal(bulk.pausedUntil, undefined)
    for (const item of [1, 2, 3, 4, 5]) {
      end(item)
      await settle()
    }
    await whole
    assert.deepEqual(states(bulk), Array(5).fill('done'))
  })

  test('stopped, begins nothing more, and waits for what is under way', async () => {
    const { act, begun, end, fail } = held()
    const stopper = new AbortController()
    const bulk = bulkOf([1, 2, 3, 4, 5, 6])
    let over = false
    const whole = run(bulk, { act, pauseOf: noPause, stop: stopper.signal }).then(() => (over = true))
    await settle()
    stopper.abort()
    end(1)
    end(2)
    fail(3, new Error('no'))
    await settle()
    assert.equal(over, false)
    end(4)
    await whole
    assert.deepEqual(begun, [1, 2, 3, 4])
    assert.deepEqual(states(bulk), ['done', 'done', 'failed', 'done', 'waiting', 'waiting'])
  })

  test('stopped while it waits, ends at once', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'] })
    const stopper = new AbortController()
    const bulk = bulkOf([1, 2])
    const whole = run(bulk, { act: () => Promise.reject(new Error('too many')), pauseOf: () => 3600, stop: stopper.signal })
    await settle()
    assert.ok(bulk.pausedUntil)
    stopper.abort()
    await whole
    assert.deepEqual(states(bulk), ['waiting', 'waiting'])
    assert.equal(bulk.pausedUntil, undefined)
  })

  test('begins what must be last once all others have ended', async () => {
    const { act, begun, end } = held()
    const bulk = bulkOf([1, 2, 3])
    const whole = run(bulk, { act, pauseOf: noPause, isLast: (item) => item === 1, stop: new AbortController().signal })
    await settle()
    end(3)
    await settle()
    assert.deepEqual(begun, [2, 3])
    end(2)
    await settle()
    assert.deepEqual(begun, [2, 3, 1])
    end(1)
    await whole
  })
})

/** Sorts names as the list does by itself: by when their users were made. */
function byNewest(users) {
  const made = new Map(users.map(({ name, createdAt }) => [name, createdAt]))
  return (a, b) => (made.get(a) < made.get(b) ? 1 : -1)
}

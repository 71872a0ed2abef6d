// The console's ground: signing in and out, its shell on every screen, what one does
// not see unless one may, a session that ends, a server that goes away.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { asShown, expect, without } from './browser.js'
import { assertAccessible, inTheme, openScreens, screens, settled, signIn, sizes, startConsole, styleHashes, themes } from './console.js'

let c

/**
 * Presses each button of a screen that none like it was pressed of, looks at what is open then, and goes back. That
 * something opens must be said: readers say it before one presses, and it may open late, after an answer.
 */
async function pressAll(page, path, pressed, look) {
  const buttons = page.locator('main :is(button, [role=combobox]):not([type=submit]):enabled:visible, header button:visible, aside button:visible')
  const popups = page.locator(':is([role=dialog], [role=menu], [role=listbox]):visible')
  for (;;) {
    const names = await buttons.evaluateAll((all) => all.map((button) => (button.ariaLabel ?? button.innerText).replaceAll(/\d+/g, '') || button.id))
    const next = names.findIndex((name) => !pressed.has(name))
    if (next < 0) return
    pressed.add(names[next])
    const opens = await buttons.nth(next).evaluate((button) => button.role === 'combobox' || button.ariaHasPopup !== null)
    await buttons.nth(next).click()
    await (opens ? popups.first().waitFor() : twoFrames(page))
    await look()
    const { pathname, search } = new URL(page.url())
    const open = (await popups.count()) > 0
    assert.equal(open, opens, `${path}: ${names[next]} opens something, which its aria-haspopup does not say`)
    if (pathname + search !== path || open) {
      await page.goto(path)
      await settled(page)
    }
  }
}

const twoFrames = (page) => page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))))

before(async () => {
  c = await startConsole()
})

after(() => c?.stop())

describe('signing in', () => {
  test('leads to where one wanted to go, and stays so', async () => {
    const { page, faults } = await c.open('/settings?from=a-link#theme')
    await expect(page).toHaveURL((url) => url.pathname === '/sign-in')
    await signIn(page, c.roster.admin)
    await page.getByRole('heading', { name: 'Settings' }).waitFor()
    await expect(page).toHaveURL(`${c.roster.url}/settings?from=a-link#theme`)
    await settled(page)
    await page.reload()
    await page.getByRole('heading', { name: 'Settings' }).waitFor()
    await settled(page)
    const seen = await page.evaluate(() => [document.cookie, JSON.stringify({ ...localStorage, ...sessionStorage })])
    assert.equal(seen[0], '')
    assert.doesNotMatch(seen[1], /rss_|@/) // no token, no person
    assert.deepEqual(without(faults, 401), [])
    await page.context().close()
  })

  test('leads to no other site', async () => {
    for (const next of ['//example.org/', 'https://example.org/', '/\\example.org']) {
      const { page, faults } = await c.open(`/sign-in?next=${encodeURIComponent(next)}`)
      await signIn(page, c.roster.admin)
      await page.getByRole('navigation', { name: 'Navigation' }).waitFor()
      assert.equal(new URL(page.url()).origin, c.roster.url)
      assert.deepEqual(without(faults, 404), [])
      await page.context().close()
    }
  })

  test('with a wrong password says so, and keeps what was typed', async () => {
    const { page, faults } = await c.open('/sign-in')
    await signIn(page, { email: c.roster.admin.email, password: 'not the password' })
    await page.getByRole('alert').getByText('The email or the password is wrong').waitFor()
    await expect(page.getByLabel('Email')).toHaveValue(c.roster.admin.email)
    await signIn(page, c.roster.admin)
    await page.getByRole('navigation', { name: 'Navigation' }).waitFor()
    assert.deepEqual(without(faults, 401), [])
    await page.context().close()
  })

  test('and out again leaves nothing behind', async () => {
    const { page, faults } = await c.openAs('viewer', '/settings')
    await page.getByRole('button', { name: /^Account of/ }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    assert.deepEqual(await page.context().cookies(), [])
    await page.goBack()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    assert.deepEqual(without(faults, 401), [])
    await page.context().close()
  })
})

describe('every screen', () => {
  test('is opened and reloaded by its address', async () => {
    const { page, faults, who } = await c.openAs('admin')
    const { data } = await c.api('GET', '/api/users?limit=1')
    for (const path of [...screens, `/users/${data[0].id}`]) {
      await page.goto(path)
      await settled(page)
      const title = await page.title()
      await page.reload()
      await settled(page)
      await expect(page, path).toHaveTitle(title)
      assert.match(title, /^.+ · Roster$/, path)
      await expect(page, who.email).toHaveURL(c.roster.url + path)
    }
    for (const path of openScreens) {
      await page.goto(path)
      await settled(page)
    }
    assert.deepEqual(faults, [])
    await page.context().close()
  })

  // What opens brings styles of its own: so each button is pressed, of those with the same name one. On a phone
  // these screens have other ones.
  for (const [size, some] of [['wide', screens], ['phone', ['/', '/users', '/audit']]]) {
    test(`has its styles allowed by the server, by their hashes, also those of what it opens, ${size}`, async () => {
      const { data } = await c.api('GET', `/api/users?q=${encodeURIComponent(c.roster.admin.email)}`)
      const other = await c.makeUser('viewer')
      await c.api('POST', '/api/keys', { name: 'of a service', scopes: ['users:read'] })
      const { page, faults } = await c.openAs('admin', '/', { size })
      page.on('dialog', (question) => question.accept()) // the browser's own, about what is not saved
      const policy = (await page.goto('/')).headers()['content-security-policy']
      assert.doesNotMatch(policy, /unsafe|\*|https?:|data:/)
      const [seen, pressed] = [new Set(), new Set()]
      const look = async () => {
        for (const hash of await styleHashes(page)) seen.add(hash)
      }
      for (const path of [...some, `/users/${other.id}`, ...['sessions', 'keys', 'history'].map((tab) => `/users/${data[0].id}?tab=${tab}`)]) {
        await page.goto(path)
        await settled(page)
        await look()
        await pressAll(page, path, pressed, look)
      }
      await page.goto('/')
      await settled(page)
      await page.keyboard.press('Control+k')
      await page.getByRole('option').first().waitFor()
      await look()
      for (const path of openScreens) {
        await page.goto(path)
        await settled(page)
        await look()
      }
      for (const hash of seen) assert.ok(policy.includes(hash), `the server does not allow ${hash}: see styles in internal/server/console`)
      for (const [hash] of policy.matchAll(/'sha256-[^']+'/g)) assert.ok(seen.has(hash), `the server allows ${hash}, which nothing needs: see styles in internal/server/console`)
      // Going back may cut off the change that a button has begun.
      assert.deepEqual(without(faults, 412, 422).filter((fault) => !fault.startsWith('request failed')), [])
      await page.context().close()
    })
  }

  for (const theme of themes) {
    for (const size of Object.keys(sizes)) {
      test(`has no serious barrier, ${theme}, ${size}`, async () => {
        const { page, faults } = await c.openAs('admin', '/settings', { theme, size })
        await assertAccessible(page)
        if (size === 'phone') {
          await page.getByRole('button', { name: 'Open the menu' }).click()
          await page.getByRole('dialog').getByRole('link', { name: 'Users' }).waitFor()
          await assertAccessible(page, 'the menu')
          await page.keyboard.press('Escape')
        } else {
          await page.getByRole('button', { name: /^Account of/ }).click()
          await page.getByRole('menuitem', { name: 'Sign out' }).waitFor()
          await assertAccessible(page, 'the account menu')
          await page.keyboard.press('Escape')
        }
        await page.keyboard.press('Control+k')
        await page.getByRole('option').first().waitFor()
        await assertAccessible(page, 'the palette')
        await page.goto('/sign-in')
        await settled(page)
        await assertAccessible(page)
        assert.deepEqual(faults, [])
        await page.context().close()
      })
    }
  }
})

describe('roles', () => {
  const places = { admin: ['Dashboard', 'Users', 'Keys', 'Sessions', 'Audit', 'Settings'], editor: ['Dashboard', 'Users', 'Keys', 'Sessions', 'Settings'] }
  places.viewer = places.editor

  for (const [role, names] of Object.entries(places)) {
    test(`${role} is offered what they may do`, async () => {
      const { page, faults } = await c.openAs(role, '/settings')
      await expect(page.getByRole('navigation', { name: 'Navigation' }).getByRole('link')).toHaveText(names, asShown)
      await page.goto('/audit')
      await settled(page)
      await expect(page.getByText('Not for your role')).toBeVisible({ visible: role !== 'admin' })
      await page.goto('/users/new')
      await settled(page)
      await expect(page.getByText('Not for your role')).toBeVisible({ visible: role === 'viewer' })
      assert.deepEqual(faults, [])
      await page.context().close()
    })
  }
})

describe('the palette', () => {
  test('goes to pages and finds users, by the keyboard', async () => {
    const user = await c.makeUser('viewer', { name: 'Katharina Palette' })
    const { page, faults } = await c.openAs('editor', '/settings')
    await page.keyboard.press('/') // no search field here
    await page.getByRole('dialog').getByPlaceholder('Type a page').fill('keys')
    await page.getByRole('option', { name: 'Keys' }).waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Keys' }).waitFor()
    await page.keyboard.press('Control+k')
    await page.getByRole('dialog').getByPlaceholder('Type a page').fill('katharina')
    await page.getByRole('option', { name: 'Katharina Palette' }).click()
    await page.waitForURL(`**/users/${user.id}`)
    assert.deepEqual(faults, [])
    await page.context().close()
  })
})

describe('settings', () => {
  test('change the name, and show what the server says of it', async () => {
    const { page, faults } = await c.openAs('viewer', '/settings')
    const name = page.getByLabel('Name', { exact: true })
    await name.fill('   ')
    await page.getByRole('button', { name: 'Save' }).click()
    const wrong = page.locator('form').filter({ has: name }).locator('[id$=-error]')
    await wrong.waitFor()
    await expect(name).toHaveAttribute('aria-invalid', 'true')
    await page.waitForFunction(() => document.activeElement?.getAttribute('name') === 'name')
    await name.fill('Grace Hopper')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('button', { name: 'Account of Grace Hopper' }).waitFor()
    await expect(wrong).toBeHidden()
    assert.deepEqual(without(faults, 422), [])
    await page.context().close()
  })

  test('change the password', async () => {
    const { page, faults, who } = await c.openAs('viewer', '/settings')
    const [current, next] = [page.getByLabel('Current password'), page.getByLabel('New password')]
    await current.fill('not the password')
    await next.fill('another horse battery')
    await page.getByRole('button', { name: 'Change password' }).click()
    await page.getByText('This is not your current password.').waitFor()
    await current.fill(who.password)
    await next.fill('short')
    await page.getByRole('button', { name: 'Change password' }).click()
    await page.getByText(/at least 8 characters/i).nth(1).waitFor()
    await next.fill('another horse battery')
    await page.getByRole('button', { name: 'Change password' }).click()
    await page.getByText('Your password is changed').filter({ visible: true }).last().waitFor()
    await expect(next).toHaveValue('')
    await page.reload()
    await page.getByRole('heading', { name: 'Settings' }).waitFor() // this session goes on
    assert.deepEqual(without(faults, 403, 422), [])
    await page.context().close()
  })

  test('change the theme, before the first paint of the next page too', async () => {
    const { page, faults } = await c.openAs('viewer', '/settings', { theme: 'light' })
    const root = page.locator('html')
    await page.getByRole('radio', { name: 'Dark' }).click()
    await expect(root).toContainClass('dark')
    await page.goto('/keys', { waitUntil: 'commit' })
    await settled(page)
    await expect(root).toContainClass('dark')
    await page.goto('/settings')
    await page.getByRole('radio', { name: 'As the system' }).click()
    await expect(root).not.toContainClass('dark')
    await inTheme(page, 'dark')
    assert.deepEqual(faults, [])
    await page.context().close()
  })
})

describe('what goes wrong', () => {
  test('a session that has ended is asked for over the page, and what was typed is sent then', async () => {
    const { page, faults, who } = await c.openAs('editor', '/settings')
    await page.getByLabel('Name', { exact: true }).fill('Typed before the end')
    const { data } = await c.api('GET', `/api/sessions?userId=${who.id}`)
    for (const { id } of data) await c.api('DELETE', `/api/sessions/${id}`)
    await page.getByRole('button', { name: 'Save' }).click()
    const dialog = page.getByRole('dialog', { name: 'Your session has ended' })
    await dialog.waitFor()
    await assertAccessible(page, 'the dialog')
    await dialog.getByLabel('Password', { exact: true }).fill('not the password')
    await dialog.getByRole('button', { name: 'Sign in and go on' }).click()
    await dialog.getByText('The email or the password is wrong').waitFor()
    await dialog.getByLabel('Password', { exact: true }).fill(who.password)
    await dialog.getByRole('button', { name: 'Sign in and go on' }).click()
    await page.getByRole('button', { name: 'Account of Typed before the end' }).waitFor()
    await expect(dialog).toBeHidden()
    assert.equal((await c.api('GET', `/api/users/${who.id}`)).name, 'Typed before the end')
    assert.deepEqual(without(faults, 401), [])
    await page.context().close()
  })

  test('being offline is said, and what was typed stays', async () => {
    const { page } = await c.openAs('viewer', '/settings')
    await page.getByLabel('Name', { exact: true }).fill('Typed offline')
    await page.context().setOffline(true)
    await page.getByText('You are offline. What you typed stays').waitFor()
    await page.context().setOffline(false)
    await page.getByText('You are offline. What you typed stays').waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('button', { name: 'Account of Typed offline' }).waitFor()
    await page.context().close()
  })

  test('a server that does not answer is said, and its return is seen', async () => {
    const { page } = await c.openAs('viewer', '/settings')
    const away = (route) => route.fulfill({ status: 503, contentType: 'application/problem+json', headers: { 'Retry-After': '60' }, body: '{"code":"unavailable","detail":"Not now.","status":503}' })
    await page.route(/\/(api\/|ready)/, away)
    await page.getByLabel('Name', { exact: true }).fill('Typed meanwhile')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Roster does not answer at the moment. What you typed stays').waitFor()
    await page.getByRole('alert').getByText('Roster does not answer').waitFor()
    await page.unroute(/\/(api\/|ready)/, away)
    await page.getByText('Roster does not answer at the moment. What you typed stays').waitFor({ state: 'detached' })
    await expect(page.getByLabel('Name', { exact: true })).toHaveValue('Typed meanwhile')
    await page.context().close()
  })
})

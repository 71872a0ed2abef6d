// A user's screen: changing them, also when somebody else does so at the same time;
// what an admin does to an account; and the page by which a password is chosen.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { asShown, expect, without } from './browser.js'
import { assertAccessible, settled, signIn, sizes, startConsole, themes } from './console.js'

let c

before(async () => {
  c = await startConsole()
})

after(() => c?.stop())

const now = (user) => c.api('GET', `/api/users/${user.id}`)
const change = (user, fields) => c.api('PATCH', `/api/users/${user.id}`, fields)
const name = (page) => page.getByLabel('Name', { exact: true })
const email = (page) => page.getByLabel('Email', { exact: true })
const save = (page) => page.getByRole('button', { name: 'Save' }).click()
const dialog = (page, title) => page.getByRole('dialog', { name: title })

/** Opens a user's page as somebody, has it changed by somebody else meanwhile, and saves. */
async function conflict(who, typed, theirs) {
  const user = await c.makeUser('viewer', { name: 'Ada Before' })
  const opened = await c.openAs(who, `/users/${user.id}`)
  const { page } = opened
  if (typed.name) await name(page).fill(typed.name)
  if (typed.email) await email(page).fill(typed.email)
  if (typed.role) await page.getByRole('radio', { name: typed.role }).click()
  await change(user, theirs)
  await save(page)
  await page.getByRole('region', { name: 'Somebody else has changed this meanwhile' }).waitFor()
  return { ...opened, user }
}

/** A row of the two versions. */
const row = (page, field) => page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: field, exact: true }) })

describe('the profile', () => {
  test('is changed, and stays so after a reload', async () => {
    const user = await c.makeUser('viewer')
    const { page, faults } = await c.openAs('admin', `/users/${user.id}`)
    await page.getByRole('heading', { level: 1, name: user.name }).waitFor()
    await expect(page).toHaveTitle(`${user.name} · Roster`)
    await name(page).fill('Grace Hopper')
    await email(page).fill(`Grace-${user.id}@Example.ORG`)
    await page.getByRole('radio', { name: 'Editor' }).click()
    await page.keyboard.press('Tab')
    await save(page)
    await page.getByRole('heading', { level: 1, name: 'Grace Hopper' }).waitFor()
    await page.getByText('Saved.', { exact: true }).first().waitFor()
    await expect(email(page)).toHaveValue(`grace-${user.id}@example.org`) // as the server keeps it
    await expect(page.getByRole('button', { name: 'Undo changes' })).toBeHidden()
    const { name: n, role } = await now(user)
    assert.deepEqual([n, role], ['Grace Hopper', 'editor'])
    await page.reload()
    await settled(page)
    await expect(name(page)).toHaveValue('Grace Hopper')
    await expect(page.getByRole('radio', { name: 'Editor' })).toBeChecked()
    assert.deepEqual(faults, [])
    await page.context().close()
  })

  test('shows what the server says beside each field, and keeps what was typed', async () => {
    const [user, other] = [await c.makeUser(), await c.makeUser()]
    const { page, faults } = await c.openAs('editor', `/users/${user.id}`)
    await name(page).fill('  ')
    await email(page).fill('nowhere')
    await save(page)
    await page.waitForFunction(() => document.activeElement?.getAttribute('name') === 'name')
    await expect(name(page)).toHaveAttribute('aria-invalid', 'true')
    await expect(email(page)).toHaveAttribute('aria-invalid', 'true')
    await expect(email(page)).toHaveValue('nowhere')
    await name(page).fill('Right Now')
    await email(page).fill(other.email)
    await page.keyboard.press('Enter')
    await page.getByText('Somebody else has this email.').waitFor()
    await expect(email(page)).toHaveAttribute('aria-invalid', 'true')
    await expect(name(page)).toHaveValue('Right Now')
    assert.equal((await now(user)).name, user.name)
    await page.getByRole('button', { name: 'Undo changes' }).click()
    await expect(name(page)).toHaveValue(user.name)
    await expect(email(page)).toHaveValue(user.email)
    assert.deepEqual(without(faults, 422, 409), [])
    await page.context().close()
  })

  test('that is left unsaved is asked about', async () => {
    const user = await c.makeUser()
    const { page, faults } = await c.openAs('admin', `/users/${user.id}`)
    await name(page).fill('Half a na')
    const users = page.getByRole('navigation', { name: 'Navigation' }).getByRole('link', { name: 'Users' })
    await users.click()
    const asks = dialog(page, 'Leave without saving?')
    await asks.getByRole('button', { name: 'Cancel' }).click()
    await asks.waitFor({ state: 'detached' })
    await expect(name(page)).toHaveValue('Half a na')
    // Another tab of the page is no leaving.
    await page.getByRole('tab', { name: 'Sessions' }).click()
    await page.waitForURL('**?tab=sessions')
    await settled(page)
    await page.getByRole('tab', { name: 'Profile' }).click()
    await expect(name(page)).toHaveValue('Half a na')
    // The browser asks about a reload itself.
    const question = new Promise((resolve) => page.once('dialog', (d) => resolve(d.dismiss().then(() => d.type()))))
    await page.evaluate(() => setTimeout(() => location.reload()))
    assert.equal(await question, 'beforeunload')
    await expect(name(page)).toHaveValue('Half a na')
    await users.click()
    await asks.getByRole('button', { name: 'Leave' }).click()
    await page.waitForURL('**/users')
    await settled(page)
    assert.equal((await now(user)).name, user.name)
    assert.deepEqual(faults, [])
    await page.context().close()
  })

  test('that is left unsaved for another user is asked about, and does not go along', async () => {
    const [user, other] = [await c.makeUser(), await c.makeUser('viewer', { name: 'Zora Other' })]
    const { page, faults } = await c.openAs('admin', `/users/${user.id}`)
    await name(page).fill('For one only')
    for (const answer of ['Cancel', 'Leave']) {
      await page.keyboard.press('Control+k')
      await page.getByRole('dialog').getByPlaceholder('Type a page').fill('Zora')
      await page.getByRole('option', { name: 'Zora Other' }).click()
      await dialog(page, 'Leave without saving?').getByRole('button', { name: answer }).click()
      await dialog(page, 'Leave without saving?').waitFor({ state: 'detached' })
      if (answer === 'Cancel') await expect(name(page)).toHaveValue('For one only')
    }
    await page.getByRole('heading', { level: 1, name: 'Zora Other' }).waitFor()
    await expect(name(page)).toHaveValue('Zora Other')
    await expect(page).toHaveURL(`${c.roster.url}/users/${other.id}`)
    assert.deepEqual(faults, [])
    await page.context().close()
  })

  test('is saved after the session has ended in the middle of typing', async () => {
    const user = await c.makeUser()
    const { page, faults, who } = await c.openAs('editor', `/users/${user.id}`)
    await name(page).fill('Typed before the end')
    const { data } = await c.api('GET', `/api/sessions?userId=${who.id}`)
    for (const { id } of data) await c.api('DELETE', `/api/sessions/${id}`)
    await save(page)
    const asks = dialog(page, 'Your session has ended')
    await asks.getByLabel('Password', { exact: true }).fill(who.password)
    await asks.getByRole('button', { name: 'Sign in and go on' }).click()
    await page.getByRole('heading', { level: 1, name: 'Typed before the end' }).waitFor()
    assert.equal((await now(user)).name, 'Typed before the end')
    assert.deepEqual(without(faults, 401), [])
    await page.context().close()
  })

  test('is changed by the keyboard alone', async () => {
    const user = await c.makeUser()
    const { page, faults } = await c.openAs('admin', `/users/${user.id}`)
    await page.getByRole('tab', { name: 'Profile' }).focus()
    await page.keyboard.press('ArrowRight')
    await page.waitForURL('**?tab=sessions')
    await settled(page)
    await page.keyboard.press('ArrowLeft')
    await page.waitForURL(`**/users/${user.id}`)
    await settled(page)
    await name(page).focus()
    await page.keyboard.press('Control+a')
    await page.keyboard.type('By Keyboard')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab') // the roles
    await page.keyboard.down('ArrowUp') // from viewer to editor
    await page.getByRole('radio', { name: 'Editor', checked: true }).waitFor()
    await page.keyboard.up('ArrowUp')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'By Keyboard' }).waitFor()
    await page.waitForFunction(() => document.activeElement?.getAttribute('type') === 'submit') // one goes on from there
    const { role } = await now(user)
    assert.equal(role, 'editor')
    assert.deepEqual(faults, [])
    await page.context().close()
  })
})

describe('a change by somebody else meanwhile', () => {
  const theirs = { name: 'Ada Theirs', role: 'editor' }

  test('is shown beside what was typed, with who did it', async () => {
    const { page, faults, user } = await conflict('admin', { name: 'Ada Mine' }, theirs)
    await page.waitForFunction(() => document.activeElement?.textContent?.includes('Somebody else has changed this'))
    await expect(row(page, 'Name')).toHaveText(/Ada Mine[\s\S]*Ada Theirs/, asShown)
    await expect(row(page, 'Role')).toHaveText(/Viewer[\s\S]*stays as it is now[\s\S]*Editor/, asShown)
    await expect(row(page, 'Name')).toHaveAttribute('data-differs', 'true')
    await expect(row(page, 'Email')).not.toHaveAttribute('data-differs')
    await page.getByText(`by you, elsewhere`).waitFor() // c.api is the admin, too
    await assertAccessible(page)
    assert.equal((await now(user)).name, 'Ada Theirs')
    assert.deepEqual(without(faults, 412), [])
    await page.context().close()
  })

  test('is overwritten by what one has typed, and by nothing else', async () => {
    const { page, faults, user } = await conflict('editor', { name: 'Ada Mine' }, theirs)
    await expect(page.getByText('by you, elsewhere')).toBeHidden() // an editor may not know
    await page.getByRole('button', { name: 'Keep mine' }).click()
    await page.getByRole('heading', { level: 1, name: 'Ada Mine' }).waitFor()
    const { name: n, role } = await now(user)
    assert.deepEqual([n, role], ['Ada Mine', 'editor'])
    await expect(page.getByRole('radio', { name: 'Editor' })).toBeChecked()
    assert.deepEqual(without(faults, 412), [])
    await page.context().close()
  })

  test('is taken instead of one’s own', async () => {
    const { page, faults, user } = await conflict('editor', { name: 'Ada Mine', email: 'mine@example.org' }, theirs)
    await page.getByRole('button', { name: 'Take theirs' }).click()
    await page.getByRole('heading', { level: 1, name: 'Ada Theirs' }).waitFor()
    await expect(name(page)).toHaveValue('Ada Theirs')
    await expect(email(page)).toHaveValue(user.email)
    assert.equal((await now(user)).name, 'Ada Theirs')
    await name(page).fill('Ada Later') // typed over their version
    await save(page)
    await page.getByRole('heading', { level: 1, name: 'Ada Later' }).waitFor()
    assert.deepEqual(without(faults, 412), [])
    await page.context().close()
  })

  test('stands beside the form while one goes on, and another one is seen, too', async () => {
    const { page, faults, user } = await conflict('admin', { name: 'Ada Mine' }, theirs)
    await page.getByRole('button', { name: 'Go on editing' }).click()
    const beside = page.getByRole('complementary', { name: 'What is there now' })
    await beside.getByText('Ada Theirs').waitFor()
    await page.waitForFunction(() => document.activeElement?.getAttribute('name') === 'name')
    await expect(name(page)).toHaveValue('Ada Mine')
    await expect(page.getByRole('radio', { name: 'Editor' })).toBeChecked() // left alone: follows
    await page.getByRole('button', { name: 'Save' }).hover() // what came up under the mouse is left only so
    await page.mouse.move(0, 0)
    await assertAccessible(page)
    await name(page).fill('Ada Mine and Theirs')
    await change(user, { name: 'Ada Third' })
    await save(page)
    await row(page, 'Name').getByText('Ada Third').waitFor()
    await expect(row(page, 'Name')).toHaveText(/Ada Mine and Theirs/, asShown)
    await page.getByRole('button', { name: 'Go on editing' }).click()
    await beside.getByText('Ada Third').waitFor()
    await save(page)
    await page.getByRole('heading', { level: 1, name: 'Ada Mine and Theirs' }).waitFor()
    await beside.waitFor({ state: 'detached' })
    assert.equal((await now(user)).name, 'Ada Mine and Theirs')
    assert.deepEqual(without(faults, 412), [])
    await page.context().close()
  })

  test('that keeps an editor from going on is said, and nothing typed is lost', async () => {
    const { page, faults, user } = await conflict('editor', { name: 'Ada Mine' }, { role: 'admin' })
    await page.getByRole('button', { name: 'Keep mine' }).click()
    await page.getByRole('alert').getByText('You may not do this.').waitFor()
    await expect(name(page)).toHaveValue('Ada Mine')
    assert.equal((await now(user)).name, 'Ada Before')
    await page.getByRole('button', { name: 'Undo changes' }).click()
    await page.getByText('Only an admin changes an admin.').first().waitFor()
    await expect(name(page)).toBeHidden()
    await c.api('DELETE', `/api/users/${user.id}`)
    assert.deepEqual(without(faults, 412, 403), [])
    await page.context().close()
  })

  test('of what one disables oneself is none', async () => {
    const user = await c.makeUser()
    const { page, faults } = await c.openAs('admin', `/users/${user.id}`)
    await name(page).fill('Typed, then disabled')
    await page.getByRole('button', { name: 'Disable' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click()
    await page.getByRole('button', { name: 'Enable' }).waitFor()
    await save(page)
    await page.getByRole('heading', { level: 1, name: 'Typed, then disabled' }).waitFor()
    assert.deepEqual(faults, [])
    await page.context().close()
  })
})

describe('roles', () => {
  test('a viewer reads, and is offered nothing else', async () => {
    const user = await c.makeUser('editor')
    const { page, faults } = await c.openAs('viewer', `/users/${user.id}`)
    await page.getByText('An editor or an admin can change this.').waitFor()
    for (const role of ['textbox', 'radio', 'tab']) await expect(page.getByRole('main').getByRole(role), role).toHaveCount(0)
    await expect(page.getByRole('main').getByRole('button')).toHaveText([''], asShown) // copies the id
    await page.goto(`/users/${user.id}?tab=history`)
    await settled(page)
    await page.getByText('An editor or an admin can change this.').waitFor()
    assert.deepEqual(faults, [])
    await page.context().close()
  })

  test('an editor changes who is no admin, and makes no admins', async () => {
    const [user, admin] = [await c.makeUser('viewer'), await c.makeUser('admin')]
    const { page, faults } = await c.openAs('editor', `/users/${user.id}`)
    assert.deepEqual(await page.getByRole('radio').evaluateAll((all) => all.map((radio) => radio.value)), ['editor', 'viewer'])
    for (const action of ['Disable', 'Delete', 'Make a link']) await expect(page.getByRole('button', { name: action }), action).toHaveCount(0)
    await page.goto(`/users/${admin.id}`)
    await settled(page)
    await page.getByText('Only an admin changes an admin.').waitFor()
    await expect(name(page)).toHaveCount(0)
    await c.api('DELETE', `/api/users/${admin.id}`)
    assert.deepEqual(faults, [])
    await page.context().close()
  })

  test('nobody is offered their own role; a viewer changes their name, an editor their email, too', async () => {
    for (const role of ['viewer', 'editor', 'admin']) {
      const user = await c.makeUser(role)
      const { page, faults } = await c.openAs(user, `/users/${user.id}`)
      await page.getByText('Nobody changes their own role.').waitFor()
      await expect(page.getByRole('radio')).toHaveCount(0)
      await expect(email(page)).toHaveCount(role === 'viewer' ? 0 : 1)
      await name(page).fill(`Own ${role}`)
      await save(page)
      await page.getByRole('button', { name: `Account of Own ${role}` }).waitFor()
      assert.equal((await now(user)).name, `Own ${role}`)
      assert.deepEqual(faults, [])
      await page.context().close()
      await c.api('DELETE', `/api/users/${user.id}`)
    }
  })
})

describe('an account', () => {
  test('is disabled after asking, and enabled at once', async () => {
    const user = await c.makeUser()
    const theirs = await c.openAs(user, '/settings')
    const { page, faults } = await c.openAs('admin', `/users/${user.id}`)
    await page.getByRole('button', { name: 'Disable' }).click()
    const asks = dialog(page, `Disable ${user.name}?`)
    await asks.getByText('All sessions end at once.').waitFor()
    await assertAccessible(page)
    await page.keyboard.press('Escape')
    await asks.waitFor({ state: 'detached' })
    assert.equal((await now(user)).disabled, false)
    await page.getByRole('button', { name: 'Disable' }).click()
    await asks.getByRole('button', { name: 'Disable' }).click()
    await page.getByText('Disabled', { exact: true }).waitFor()
    assert.equal((await now(user)).disabled, true)
    assert.equal(await theirs.page.evaluate(async () => (await fetch('/api/session')).status), 401)
    await page.reload()
    await settled(page)
    await expect(page.getByRole('button', { name: 'Make a link' })).toBeDisabled()
    await page.getByRole('button', { name: 'Enable' }).click()
    await page.getByText('Disabled', { exact: true }).waitFor({ state: 'detached' })
    await page.getByText(`${user.name} is enabled.`).first().waitFor()
    assert.equal((await now(user)).disabled, false)
    assert.deepEqual(faults, [])
    await theirs.page.context().close()
    await page.context().close()
  })

  test('that cannot be enabled looks as before', async () => {
    const user = await c.makeUser()
    await change(user, { disabled: true })
    const { page } = await c.openAs('admin', `/users/${user.id}`)
    await page.route('**/api/users/*', (route) => route.request().method() === 'PATCH' ? route.fulfill({ status: 500, contentType: 'application/problem+json', body: '{"code":"internal","detail":"No.","status":500}' }) : route.continue())
    await page.getByRole('button', { name: 'Enable' }).click()
    await page.getByText('Something went wrong on the server.').first().waitFor()
    await page.getByRole('button', { name: 'Enable' }).waitFor()
    await page.getByText('Disabled', { exact: true }).waitFor()
    await page.context().close()
  })

  test('of the last admin stays, in the server’s words', async () => {
    const { data } = await c.api('GET', '/api/users?role=admin')
    const last = data.find((user) => user.email === c.roster.admin.email)
    for (const { id } of data) if (id !== last.id) await c.api('DELETE', `/api/users/${id}`)
    const { page, faults } = await c.openAs('admin', `/users/${last.id}`)
    for (const action of ['Disable', 'Delete']) {
      await page.getByRole('button', { name: action, exact: true }).click()
      const asks = page.getByRole('dialog')
      await asks.getByText('This is you: you are signed out at once.').waitFor()
      await asks.getByRole('button', { name: action }).click()
      await asks.getByText('This is the last admin who can sign in').waitFor()
      await asks.getByRole('button', { name: 'Cancel' }).click()
      await asks.waitFor({ state: 'detached' })
    }
    assert.equal((await now(last)).disabled, false)
    assert.deepEqual(without(faults, 409), [])
    await page.context().close()
  })

  test('of one’s own is disabled, and one is signed out', async () => {
    const user = await c.makeUser('admin')
    const { page, faults } = await c.openAs(user, `/users/${user.id}`)
    await name(page).fill('Nothing to save any more') // which nobody is asked about
    await page.getByRole('button', { name: 'Disable' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    assert.equal((await now(user)).disabled, true)
    await c.api('DELETE', `/api/users/${user.id}`)
    assert.deepEqual(without(faults, 401), [])
    await page.context().close()
  })

  test('is deleted after saying what goes with it', async () => {
    const user = await c.makeUser('viewer', { name: 'Going Going' })
    await c.api('POST', '/api/keys', { name: 'theirs', scopes: ['users:read'], userId: user.id })
    const { page, faults } = await c.openAs('admin', `/users/${user.id}`)
    await page.getByRole('button', { name: 'Delete' }).click()
    const asks = dialog(page, 'Delete Going Going?')
    await asks.getByText('What the audit says of this user stays.').waitFor()
    await asks.getByText('No session: nobody is signed in.').waitFor()
    await asks.getByText('1 key, which stops working at once.').waitFor()
    await assertAccessible(page)
    // Meanwhile somebody else makes something else of them: that is not deleted unseen.
    await change(user, { name: 'Staying' })
    await asks.getByRole('button', { name: 'Delete' }).click()
    await asks.getByText('Somebody else has changed this meanwhile.').waitFor()
    await asks.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('heading', { level: 1, name: 'Staying' }).waitFor()
    await page.getByRole('button', { name: 'Delete' }).click()
    await dialog(page, 'Delete Staying?').getByRole('button', { name: 'Delete' }).click()
    await page.waitForURL('**/users')
    await page.getByText('Staying is deleted.').first().waitFor()
    await settled(page)
    const { data } = await c.api('GET', '/api/users?q=Staying')
    assert.deepEqual(data, [])
    await page.goto(`/users/${user.id}`)
    await page.getByText('This user is not there any more').waitFor()
    await assertAccessible(page)
    await page.getByRole('link', { name: 'To the users' }).click()
    await page.waitForURL('**/users')
    await settled(page)
    assert.deepEqual(without(faults, 412, 404), [])
    await page.context().close()
  })

  test('that is deleted in one browser is said in another, and what was typed there stays', async () => {
    const user = await c.makeUser()
    const b = await c.openAs('editor', `/users/${user.id}`)
    await name(b.page).fill('Typed in vain')
    const a = await c.openAs('admin', `/users/${user.id}`)
    await a.page.getByRole('button', { name: 'Delete' }).click()
    await a.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await a.page.waitForURL('**/users')
    await settled(a.page)
    await save(b.page)
    await b.page.getByText('Somebody has deleted it meanwhile. What you typed is still here').waitFor()
    await b.page.getByRole('alert').getByText('This is not there, or not any more.').waitFor()
    await expect(name(b.page)).toHaveValue('Typed in vain')
    assert.deepEqual(a.faults, [])
    assert.deepEqual(without(b.faults, 404), [])
    await a.page.context().close()
    await b.page.context().close()
  })

  test('with an address that is none leads back', async () => {
    const { page, faults } = await c.openAs('viewer', '/users/nobody')
    await page.getByText('This user is not there any more').waitFor()
    await page.getByRole('link', { name: 'To the users' }).click()
    await page.waitForURL('**/users')
    await settled(page)
    assert.deepEqual(without(faults, 422), [])
    await page.context().close()
  })

  test('stands where its skeleton stood', async () => {
    const user = await c.makeUser()
    const { page, faults } = await c.openAs('admin', '/settings')
    await page.addInitScript(() => {
      window.moved = []
      new PerformanceObserver((list) => {
        for (const { value, sources } of list.getEntries()) window.moved.push({ value, what: sources.map(({ node }) => node?.outerHTML?.slice(0, 120)) })
      }).observe({ type: 'layout-shift', buffered: true })
    })
    let answer
    const asked = new Promise((resolve) => page.route('**/api/users/*', (route) => { answer = () => route.continue(); resolve() }))
    await page.goto(`/users/${user.id}`)
    await asked
    await page.locator('[data-loading]').waitFor()
    await answer()
    await settled(page)
    const moved = await page.evaluate(() => window.moved)
    assert.ok(moved.reduce((sum, { value }) => sum + value, 0) < 0.01, JSON.stringify(moved, null, 1))
    assert.deepEqual(faults, [])
    await page.context().close()
  })

  test('has an id, which is copied', async () => {
    const user = await c.makeUser()
    const { page, faults } = await c.openAs('viewer', `/users/${user.id}`, { permissions: ['clipboard-read', 'clipboard-write'] })
    await page.getByRole('button', { name: 'Copy: Id' }).click()
    await page.getByRole('status').getByText('Copied').waitFor()
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), user.id)
    assert.deepEqual(faults, [])
    await page.context().close()
  })
})

describe('choosing a password', () => {
  /** Makes a link as the admin does, and gives it. */
  async function link(user) {
    const { page, faults } = await c.openAs('admin', `/users/${user.id}`, { permissions: ['clipboard-read', 'clipboard-write'] })
    await page.getByRole('button', { name: 'Make a link' }).click()
    const shown = dialog(page, `A link for ${user.name}`)
    await shown.getByText('It holds once, until').waitFor()
    await assertAccessible(page)
    await shown.getByRole('button', { name: 'Copy' }).click()
    await shown.getByRole('button', { name: 'Copied' }).waitFor()
    const copied = await page.evaluate(() => navigator.clipboard.readText())
    await expect(shown.getByLabel('Link')).toHaveValue(copied)
    await shown.getByRole('button', { name: 'Done' }).click()
    await shown.waitFor({ state: 'detached' })
    assert.doesNotMatch(await page.content(), /rsr_/)
    assert.deepEqual(faults, [])
    await page.context().close()
    return copied
  }

  test('by a link works in another browser, once', async () => {
    const user = await c.makeUser()
    const address = await link(user)
    assert.match(address, /\/choose-password#token=rsr_/)
    const { page, faults } = await c.open(address)
    await page.waitForURL(`${c.roster.url}/choose-password`) // nothing of the token stays
    assert.doesNotMatch(await page.evaluate(() => JSON.stringify([history.state, document.title, { ...localStorage, ...sessionStorage }])), /rsr_/)
    const field = page.getByLabel('New password')
    await field.fill('short')
    await page.getByRole('button', { name: 'Set the password' }).click()
    await page.getByText(/at least 8 characters/).waitFor()
    await expect(field).toHaveAttribute('aria-invalid', 'true')
    await field.fill('an entirely new battery')
    await page.keyboard.press('Enter')
    await page.waitForURL('**/sign-in')
    await page.getByText('Your password is set. Sign in with it.').first().waitFor()
    await signIn(page, { email: user.email, password: 'an entirely new battery' })
    await page.getByRole('button', { name: `Account of ${user.name}` }).waitFor()
    await settled(page)
    // The link again, over this page of somebody who is signed in.
    await page.goto(address)
    await page.getByLabel('New password').fill('yet another battery')
    await page.getByRole('button', { name: 'Set the password' }).click()
    await page.getByRole('alert').getByText('This link does not hold any more.').waitFor()
    await expect(page.getByLabel('New password')).toHaveValue('yet another battery')
    assert.deepEqual(without(faults, 422), [])
    await page.context().close()
  })

  test('works for somebody who is signed in as another', async () => {
    const user = await c.makeUser()
    const { token } = await c.api('POST', `/api/users/${user.id}/password-reset`)
    const { page, faults } = await c.openAs('viewer', '/settings')
    await page.goto(`/choose-password#token=${token}`)
    await page.getByLabel('New password').fill('an entirely new battery')
    await page.getByRole('button', { name: 'Set the password' }).click()
    await page.waitForURL('**/sign-in')
    await signIn(page, { email: user.email, password: 'an entirely new battery' })
    await page.getByRole('button', { name: `Account of ${user.name}` }).waitFor()
    await settled(page)
    assert.deepEqual(faults, [])
    await page.context().close()
  })

  test('without a link says what to do, and takes one that is opened over it', async () => {
    const user = await c.makeUser()
    const { token } = await c.api('POST', `/api/users/${user.id}/password-reset`)
    const { page, faults } = await c.open('/choose-password')
    await page.getByRole('heading', { name: 'This page needs a link' }).waitFor()
    await page.evaluate((hash) => (location.hash = hash), `token=${token}`)
    await page.getByLabel('New password').waitFor()
    await page.waitForURL(`${c.roster.url}/choose-password`)
    await page.reload()
    await page.getByRole('heading', { name: 'This page needs a link' }).waitFor() // a reload has forgotten it
    await page.getByRole('link', { name: 'To the sign-in' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    assert.deepEqual(faults, [])
    await page.context().close()
  })
})

describe('the rest of a user', () => {
  test('is in tabs, which a reload keeps', async () => {
    const user = await c.makeUser('viewer', { name: 'Tabby' })
    await change(user, { name: 'Tabby Cat' })
    await c.api('POST', '/api/keys', { name: 'nightly export', scopes: ['users:read'], userId: user.id })
    const theirs = await c.openAs(user, '/settings')
    const { page, faults } = await c.openAs('admin', `/users/${user.id}`)
    for (const [tab, seen] of [['Sessions', 'Chrom'], ['Keys', 'nightly export'], ['History', 'Tabby Cat']]) {
      await page.getByRole('tab', { name: tab }).click()
      for (const again of [false, true]) {
        if (again) await page.reload()
        await settled(page)
        await page.getByRole('tabpanel', { name: tab }).getByText(seen).first().waitFor()
        await expect(page.getByRole('tab', { name: tab })).toHaveAttribute('aria-selected', 'true')
        await expect(page).toHaveTitle('Tabby Cat · Roster')
      }
    }
    await page.goBack()
    await page.getByRole('tabpanel', { name: 'Keys' }).getByText('nightly export').waitFor()
    await settled(page)
    assert.deepEqual(faults, [])
    await theirs.page.context().close()
    await page.context().close()
  })

  test('is ended, revoked and read there', async () => {
    const user = await c.makeUser('viewer', { name: 'Before' })
    await change(user, { name: 'Afterwards' })
    await c.api('POST', '/api/keys', { name: 'nightly export', scopes: ['users:read'], userId: user.id })
    const theirs = await c.openAs(user, '/settings')
    const { page, faults } = await c.openAs('admin', `/users/${user.id}?tab=sessions`)
    await page.getByRole('button', { name: /^End the session/ }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'End', exact: true }).click()
    await page.getByText('No sessions').waitFor()
    assert.equal((await c.api('GET', `/api/sessions?userId=${user.id}`)).pagination.total, 0)
    await page.getByRole('tab', { name: 'Keys' }).click()
    await page.getByRole('button', { name: 'Actions for nightly export' }).click()
    await page.getByRole('menuitem', { name: 'Revoke' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await page.getByText('No keys').waitFor()
    assert.equal((await c.api('GET', `/api/keys?userId=${user.id}`)).pagination.total, 0)
    await page.getByRole('tab', { name: 'History' }).click()
    await page.getByRole('button', { name: 'Changed a user' }).click()
    const panel = page.getByRole('tabpanel', { name: 'History' })
    await panel.getByText('Before', { exact: true }).last().waitFor()
    await panel.getByText('Afterwards', { exact: true }).last().waitFor()
    await settled(page)
    assert.deepEqual(faults, [])
    await theirs.page.context().close()
    await page.context().close()
  })

  test('of oneself shows one’s own sessions', async () => {
    const user = await c.makeUser('viewer')
    const { page, faults } = await c.openAs(user, `/users/${user.id}?tab=sessions`)
    await page.getByRole('tabpanel', { name: 'Sessions' }).getByText('This session').waitFor()
    await expect(page.getByRole('tab')).toHaveText(['Profile', 'Sessions', 'Keys'], asShown)
    assert.deepEqual(faults, [])
    await page.context().close()
  })
})

describe('barriers', () => {
  for (const theme of themes) {
    for (const size of Object.keys(sizes)) {
      test(`there are none, ${theme}, ${size}`, async () => {
        const user = await c.makeUser('editor', { name: 'Ada Lovelace' })
        await c.api('POST', '/api/keys', { name: 'nightly export', scopes: ['users:read'], userId: user.id })
        const { page, faults } = await c.openAs('admin', `/users/${user.id}`, { theme, size })
        await assertAccessible(page)
        const wide = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
        assert.equal(await wide(), 0)
        for (const tab of ['sessions', 'keys', 'history']) {
          await page.goto(`/users/${user.id}?tab=${tab}`)
          await settled(page)
          await assertAccessible(page)
          assert.equal(await wide(), 0, tab)
        }
        await page.goto('/choose-password#token=rsr_0')
        await page.getByLabel('New password').waitFor()
        await assertAccessible(page)
        await page.reload()
        await page.getByRole('heading', { name: 'This page needs a link' }).waitFor()
        await assertAccessible(page)
        assert.deepEqual(faults, [])
        await page.context().close()
      })
    }
  }
})

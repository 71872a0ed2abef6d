// The Nuxt example, built, before a Roster: its pages come filled from the server, and
// then do their work in a browser.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { asShown, expect, openPage, without } from './browser.js'
import { assertAccessible, settled, startConsole, themes } from './console.js'
import { startNuxt } from './nuxt.js'
import { servePage } from './pages.js'

let c, nuxt

before(async () => {
  c = await startConsole({ ROSTER_TRUSTED_PROXIES: '127.0.0.1' })
  nuxt = await startNuxt(c.roster)
  for (let i = 1; i <= 12; i++) await c.makeUser('viewer', { name: `Sample ${String(i).padStart(2, '0')}`, email: `sample${i}@example.org` })
})

after(async () => {
  await nuxt?.stop()
  await c?.stop()
})

/** Signs in by the example's own address, and gives the cookie as a browser sends it. */
async function cookieOf({ email, password }) {
  const answer = await fetch(`${nuxt.url}/api/session`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ email, password }) })
  assert.equal(answer.status, 201)
  return answer.headers.getSetCookie()[0].split(';')[0]
}

/** Asks for a page as the server gives it, before any script of its own. */
async function html(path, cookie, headers = {}) {
  const answer = await fetch(nuxt.url + path, { redirect: 'manual', headers: { ...(cookie && { Cookie: cookie }), Accept: 'text/html', ...headers } })
  return { status: answer.status, headers: answer.headers, text: await answer.text() }
}

/** Sends a request as it stands: fetch would tidy the path and the headers up. */
async function raw(options, body) {
  const sent = request({ host: '127.0.0.1', port: nuxt.port, ...options }).end(body)
  const [answer] = await once(sent, 'response')
  let text = ''
  for await (const chunk of answer.setEncoding('utf8')) text += chunk
  return { status: answer.statusCode, headers: answer.headers, text }
}

async function open(path, options) {
  const opened = await openPage(c.browser, nuxt.url, options)
  await opened.page.goto(path)
  return opened
}

async function signIn(page, { email, password }) {
  await page.getByLabel('Email').fill(email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

/** Waits for the page behind the sign-in page, and for all that it loads: who leaves earlier breaks it off. */
async function signedIn(page) {
  await page.getByRole('heading', { level: 1 }).filter({ hasNotText: 'Sign in' }).waitFor()
  await settled(page)
}

/** Opens a page as somebody who came to it without a session. */
async function openAs(user, path, options) {
  const opened = await open(path, options)
  await signIn(opened.page, user)
  await signedIn(opened.page)
  return opened
}

describe('from the server', () => {
  test('the first answer holds the users, and no secret', async () => {
    const cookie = await cookieOf(c.roster.admin)
    const { status, headers, text } = await html('/users?q=sample&role=viewer&page=2', cookie)
    assert.equal(status, 200)
    assert.equal(headers.get('Cache-Control'), 'private, no-store')
    assert.match(text, /<a href="\/users\/[0-9a-f-]{36}"[^>]*>Sample 11<\/a>/)
    assert.match(text, /12 in all, page 2 of 2/)
    assert.doesNotMatch(text, /Sample 10/)
    const [, payload] = /<script[^>]*id="__NUXT_DATA__"[^>]*>(.*?)<\/script>/s.exec(text)
    assert.match(payload, /Sample 11/)
    const token = cookie.split('=')[1]
    for (const secret of [token, 'rss_', '__Host-roster', c.roster.url, new URL(c.roster.url).host]) assert.ok(!text.includes(secret), secret)
  })

  test('a user is there with the version that is edited', async () => {
    const user = await c.makeUser('editor', { name: 'Grace Hopper' })
    const { status, text } = await html(`/users/${user.id}`, await cookieOf(c.roster.admin))
    assert.equal(status, 200)
    assert.match(text, /<h1>Grace Hopper<\/h1>/)
    assert.match(text, /<title>Grace Hopper · People<\/title>/)
  })

  test('each visitor gets their own page, many at once', async () => {
    const people = await Promise.all(['admin', 'editor', 'viewer'].map((role, i) => c.makeUser(role, { name: `Visitor ${i}` })))
    const cookies = await Promise.all(people.map(cookieOf))
    await Promise.all(Array.from({ length: 30 }, async (_, i) => {
      const { text } = await html('/users?q=sample', cookies[i % 3])
      assert.deepEqual([...new Set(text.match(/Visitor \d/g))], [`Visitor ${i % 3}`])
    }))
  })

  test('who is not signed in is sent to do so', async () => {
    for (const cookie of [undefined, `__Host-roster=rss_${'0'.repeat(49)}`]) {
      const { status, headers, text } = await html('/users?q=ada', cookie)
      assert.deepEqual([status, headers.get('Location')], [302, '/sign-in?next=/users?q=ada'])
      assert.doesNotMatch(text, /Sample/)
    }
  })

  test('what is not there is 404, with words', async () => {
    const cookie = await cookieOf(c.roster.admin)
    for (const path of ['/nowhere', '/users/0198c0de-0000-7000-8000-000000000000', '/users/no-id']) {
      const { status, text } = await html(path, cookie)
      assert.equal(status, 404, path)
      assert.match(text, /<h1>Not found<\/h1>/, path)
    }
  })

  test('the list is searched and paged without any script', async () => {
    const { page, faults } = await open('/sign-in', { javaScriptEnabled: false })
    const [name, value] = (await cookieOf(c.roster.admin)).split('=')
    await page.context().addCookies([{ name, value, url: nuxt.url.replace('http:', 'https:'), secure: true, httpOnly: true, sameSite: 'Lax' }])
    await page.goto('/users')
    await page.getByRole('searchbox').fill('sample')
    await page.getByRole('button', { name: 'Search' }).click()
    await page.getByText('12 in all, page 1 of 2').waitFor()
    await page.getByRole('link', { name: 'Next' }).click()
    await page.getByRole('link', { name: 'Sample 12' }).click()
    await page.getByRole('heading', { name: 'Sample 12' }).waitFor()
    assert.deepEqual(faults.filter((fault) => !/request failed: .*_nuxt/.test(fault)), []) // the scripts, which it does not load
    await page.context().close()
  })
})

/** Lets a page send a form to the example, and sees it refused. */
async function sendForm(page) {
  await page.evaluate((url) => {
    const form = Object.assign(document.createElement('form'), { method: 'post', action: `${url}/api/users`, enctype: 'text/plain' })
    form.append(Object.assign(document.createElement('input'), { name: '{"name":"Eve","x":"', value: '"}' }))
    document.body.append(form)
    form.submit()
  }, nuxt.url)
  await page.waitForURL(`${nuxt.url}/api/users`)
  await expect(page.locator('body')).toHaveText(/"code":"cross_origin"/, asShown)
}

describe('through the proxy', () => {
  test('Roster sees the address of the visitor, and believes nobody about it', async () => {
    const body = JSON.stringify({ ...c.roster.admin, token: true })
    const headers = { 'Content-Type': 'application/json', 'X-Forwarded-For': '203.0.113.7', 'X-Request-Id': 'as-asked', 'User-Agent': 'by the proxy' }
    const { status, headers: answered } = await raw({ method: 'POST', path: '/api/session', localAddress: '127.0.0.2', headers }, body)
    assert.deepEqual([status, answered['x-request-id']], [201, 'as-asked'])
    const { data } = await c.api('GET', '/api/sessions')
    assert.equal(data.find(({ userAgent }) => userAgent === 'by the proxy').address, '127.0.0.2')
  })

  test('nothing but the API is reached', async () => {
    for (const path of ['/api/../openapi.yaml', '/api/%2e%2e/openapi.yaml', '/api/x/../../ready', '/api/..//example.org/', '/openapi.yaml']) {
      const { status, text } = await raw({ path })
      assert.equal(status === 404 || status === 302, true, `${path}: ${status}`)
      assert.doesNotMatch(text, /openapi:/, path)
    }
  })

  test('another site can neither read nor write', async () => {
    const { page } = await openAs(c.roster.admin, '/users')
    const foreign = await servePage('127.0.0.1')
    const elsewhere = await page.context().newPage()
    await elsewhere.goto(foreign.origin)
    const fetched = await elsewhere.evaluate((url) => fetch(`${url}/api/users`, { credentials: 'include' }).then(() => 'read', () => 'refused'), nuxt.url)
    assert.equal(fetched, 'refused')
    await sendForm(elsewhere)

    // A page of the same site, as every port of localhost is, comes with the cookie.
    const sameSite = await servePage('localhost')
    await elsewhere.goto(sameSite.origin)
    const [sent] = await Promise.all([elsewhere.waitForRequest(`${nuxt.url}/api/users`), sendForm(elsewhere)])
    assert.match((await sent.allHeaders()).cookie, /__Host-roster=/)
    await page.context().close()
    await foreign.stop()
    await sameSite.stop()
  })
})

describe('in a browser', () => {
  test('one signs in, gets to where one wanted, and stays so', async () => {
    const { page, faults } = await open('/users?q=sample&page=2')
    await expect(page).toHaveURL((url) => url.pathname === '/sign-in')
    await signIn(page, { ...c.roster.admin, password: 'not the password' })
    await expect(page.getByRole('alert')).toHaveText(/wrong/, asShown)
    await signIn(page, c.roster.admin)
    await page.getByText('12 in all, page 2 of 2').waitFor()
    await expect(page).toHaveURL(`${nuxt.url}/users?q=sample&page=2`)

    const [cookie] = await page.context().cookies()
    assert.deepEqual([cookie.name, cookie.secure, cookie.httpOnly, cookie.sameSite], ['__Host-roster', true, true, 'Lax'])
    assert.equal(await page.evaluate(() => document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage })), '{}')

    await signedIn(page)
    const asked = []
    page.on('request', (r) => r.url().includes('/api/') && asked.push(r.url()))
    await page.reload()
    await page.waitForFunction(() => window.useNuxtApp?.().isHydrating === false)
    await page.getByText('12 in all, page 2 of 2').waitFor()
    assert.deepEqual(asked, [], 'what the server has read is not asked for again')
    assert.deepEqual(without(faults, 401), [])
    await page.context().close()
  })

  test('a form waits for its script, which would empty it', async () => {
    const { page, faults } = await openPage(c.browser, nuxt.url)
    let release
    const held = new Promise((resolve) => (release = resolve))
    await page.route('**/_nuxt/**/*.js', async (route) => {
      await held
      await route.continue()
    })
    await page.goto('/sign-in', { waitUntil: 'commit' })
    for (const field of ['Email', 'Password']) await expect(page.getByLabel(field), field).toBeDisabled()
    await expect(page.getByRole('button', { name: 'Sign in' })).toBeDisabled()
    release()
    await signIn(page, c.roster.admin) // which waits for what is disabled
    await signedIn(page)
    assert.deepEqual(without(faults, 401), [])
    await page.context().close()
  })

  test('signing in leads to no other site', async () => {
    for (const next of ['//example.org/', '/\\example.org']) {
      const { page, faults } = await openAs(c.roster.admin, `/sign-in?next=${encodeURIComponent(next)}`)
      await page.waitForURL(`${nuxt.url}/users`)
      assert.deepEqual(without(faults), [])
      await page.context().close()
    }
  })

  test('search, filter and page are in the address, and go back', async () => {
    const { page, faults } = await openAs(c.roster.admin, '/users')
    await page.getByRole('searchbox').fill('sample')
    await page.getByRole('button', { name: 'Search' }).click()
    await page.getByText('12 in all, page 1 of 2').waitFor()
    await page.getByLabel('Role').selectOption('viewer')
    await page.waitForURL(/\?q=sample&role=viewer$/)
    await page.getByRole('link', { name: 'Next' }).click()
    await page.getByText('12 in all, page 2 of 2').waitFor()
    await page.getByLabel('Role').selectOption('admin')
    await page.getByText('Nobody here matches').waitFor()
    await page.goBack()
    await page.getByText('12 in all, page 2 of 2').waitFor()
    await expect(page.getByLabel('Role')).toHaveValue('viewer')
    assert.deepEqual(without(faults), [])
    await page.context().close()
  })

  test('a user is edited, and a conflict is said and settled', async () => {
    const user = await c.makeUser('viewer', { name: 'Ada' })
    const { page, faults } = await openAs(c.roster.admin, `/users/${user.id}`)
    await page.reload() // from the server, so that the version comes from there
    await settled(page)
    await page.getByLabel('Name').fill('Ada Lovelace')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Saved.').waitFor()
    assert.equal((await c.api('GET', `/api/users/${user.id}`)).name, 'Ada Lovelace')

    await c.api('PATCH', `/api/users/${user.id}`, { name: 'Countess Ada', role: 'editor' })
    await page.getByLabel('Name').fill('Ada King')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('The name is Countess Ada now.').waitFor()
    assert.equal((await c.api('GET', `/api/users/${user.id}`)).name, 'Countess Ada')
    await expect(page.getByLabel('Name')).toHaveValue('Ada King')
    await expect(page.getByLabel('Role')).toHaveValue('editor')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Saved.').waitFor()
    const saved = await c.api('GET', `/api/users/${user.id}`)
    assert.deepEqual([saved.name, saved.role], ['Ada King', 'editor'])

    await c.api('PATCH', `/api/users/${user.id}`, { name: 'Theirs' })
    await page.getByLabel('Name').fill('Mine')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('button', { name: 'take theirs' }).click()
    await expect(page.getByLabel('Name')).toHaveValue('Theirs')
    assert.deepEqual(without(faults, 412), [])
    await page.context().close()
  })

  test('what Roster refuses stands at its field', async () => {
    const user = await c.makeUser('viewer', { name: 'Alan' })
    const { page, faults } = await openAs(c.roster.admin, `/users/${user.id}`)
    await page.getByLabel('Name').fill('   ')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.locator('label', { hasText: 'Name' }).locator('small').waitFor()
    await page.getByLabel('Name').fill('Alan')
    await page.getByLabel('Email').fill(c.roster.admin.email)
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('alert').waitFor()
    assert.deepEqual(without(faults, 409, 422), [])
    await page.context().close()
  })

  test('a viewer is offered what a viewer may', async () => {
    const [me, other] = [await c.makeUser('viewer'), await c.makeUser('viewer')]
    const { page, faults } = await openAs(me, `/users/${other.id}`)
    await expect(page.getByLabel('Name')).toBeDisabled()
    await expect(page.getByRole('button', { name: 'Save' })).toBeHidden()
    await page.getByRole('link', { name: me.name }).click()
    await page.getByRole('heading', { name: me.name }).waitFor()
    await page.getByLabel('Name').fill('My own name')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('link', { name: 'My own name' }).waitFor()
    await expect(page.getByLabel('Email')).toBeDisabled()
    assert.deepEqual(without(faults), [])
    await page.context().close()
  })

  test('a session that ends elsewhere leads to the sign-in page and back', async () => {
    const me = await c.makeUser('viewer')
    const { page, faults } = await openAs(me, '/users')
    await page.waitForURL(`${nuxt.url}/users`)
    const { data } = await c.api('GET', `/api/sessions?userId=${me.id}`)
    await c.api('DELETE', `/api/sessions/${data[0].id}`)
    await page.getByRole('link', { name: me.name }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await signIn(page, me)
    await page.getByRole('heading', { name: me.name }).waitFor()
    assert.deepEqual(without(faults, 401), [])
    await page.context().close()
  })

  test('signing out leaves nothing behind', async () => {
    const { page, faults } = await openAs(c.roster.admin, '/users')
    await page.getByRole('link', { name: 'Sample 01' }).click()
    await page.getByRole('heading', { name: 'Sample 01' }).waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    assert.deepEqual(await page.context().cookies(), [])
    await page.goBack()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    assert.doesNotMatch(await page.content(), /Sample/)
    assert.deepEqual(without(faults), [])
    await page.context().close()
  })

  test('no screen has a barrier, in either theme', async () => {
    const user = await c.makeUser('editor')
    for (const colorScheme of themes) {
      const { page, faults } = await open('/sign-in', { colorScheme })
      await page.locator('button:enabled').waitFor()
      await assertAccessible(page)
      await signIn(page, c.roster.admin)
      await signedIn(page)
      await assertAccessible(page)
      await page.goto(`/users/${user.id}`)
      await page.getByRole('heading', { name: user.name }).waitFor()
      await assertAccessible(page)
      assert.deepEqual(without(faults), [])
      await page.context().close()
    }
  })
})

// The last, for Roster does not come back.
test('without Roster a page says so, and what was typed stays', async () => {
  const cookie = await cookieOf(c.roster.admin)
  const { page, faults } = await openAs(c.roster.admin, '/users')
  await page.getByRole('link', { name: 'Sample 01' }).click()
  await page.getByRole('heading', { name: 'Sample 01' }).waitFor()
  await page.getByLabel('Name').fill('Typed meanwhile')
  await c.roster.stop()
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Roster does not answer at the moment.').waitFor()
  await expect(page.getByLabel('Name')).toHaveValue('Typed meanwhile')

  const { status, text } = await html('/users', cookie)
  assert.equal(status, 503)
  assert.match(text, /<h1>Back soon<\/h1>/)
  assert.doesNotMatch(text, /ECONNREFUSED|localhost/)
  await page.getByRole('link', { name: 'All people' }).click()
  await page.getByRole('heading', { name: 'Back soon' }).waitFor()
  assert.deepEqual(without(faults, 502, 503), [])
  await page.context().close()
})

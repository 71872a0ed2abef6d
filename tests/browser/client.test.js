// The TypeScript client, as it is published, in a real browser: by the cookie, from
// Roster's own origin, from one that is allowed and from those that are not.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { asShown, expect, openPage, startBrowser, without } from './browser.js'
import { clientFile, servePage } from './pages.js'
import { startRoster } from './roster.js'

let roster, browser, allowed, allowedElsewhere, sameSite, crossSite

before(async () => {
  ;[allowed, allowedElsewhere, sameSite, crossSite] = await Promise.all(
    ['localhost', '127.0.0.1', 'localhost', '127.0.0.1'].map((host) => servePage(host)),
  )
  roster = await startRoster({ ROSTER_ALLOWED_ORIGINS: `${allowed.origin},${allowedElsewhere.origin}` })
  browser = await startBrowser()
})

after(async () => {
  await browser?.close()
  await roster?.stop()
  await Promise.all([allowed, allowedElsewhere, sameSite, crossSite].map((page) => page?.stop()))
})

/** Opens a page of Roster's own origin, which here hands out the client's files too. */
async function openOwn() {
  const opened = await openPage(browser, roster.url)
  await opened.page.route('**/client/**', async (route) => {
    await route.fulfill({ contentType: 'text/javascript', body: await clientFile(new URL(route.request().url()).pathname) })
  })
  await opened.page.goto('/docs')
  return opened
}

/** What a page does with the cookie, from signing in to signing out. */
async function useRoster({ url, admin, email }) {
  const { createRoster, etagOf, isUnauthenticated, RosterError } = await import('/client/index.js')
  const client = createRoster({ baseUrl: url, credentials: 'include' })
  const before = await client.getSession().catch((error) => error)
  const session = await client.signIn(admin)
  const again = createRoster({ baseUrl: url, credentials: 'include' }) // as after a reload: by the cookie alone
  const made = await again.createUser({ name: 'Ada', email, password: 'correct horse battery' })
  const changed = await again.updateUser(made.id, { role: 'editor' }, { ifMatch: etagOf(made) })
  const emails = []
  for await (const user of again.users({ role: 'editor', limit: 1 })) emails.push(user.email)
  const refused = await again.updateUser(made.id, { name: 'x' }, { ifMatch: etagOf(made) }).catch((error) => error)
  await again.deleteUser(made.id)
  await client.signOut()
  const after = await again.listUsers().catch((error) => error)
  return {
    before: isUnauthenticated(before),
    who: session.identity.email,
    token: session.token,
    role: changed.role,
    emails,
    typed: refused instanceof RosterError,
    code: refused.code,
    after: isUnauthenticated(after),
    scriptsSee: document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage }),
  }
}

const used = (admin, email) => ({
  before: true, who: admin.email, token: undefined, role: 'editor', emails: [email], typed: true, code: 'precondition_failed', after: true, scriptsSee: '{}',
})

test('by the cookie, on the own origin', async () => {
  const { page, faults } = await openOwn()
  const email = 'own@example.org'
  assert.deepEqual(await page.evaluate(useRoster, { url: roster.url, admin: roster.admin, email }), used(roster.admin, email))
  assert.deepEqual(without(faults, 401, 412), [])
  await page.context().close()
})

test('by the cookie, from an allowed origin of the same site', async () => {
  const { page, faults } = await openPage(browser, allowed.origin, { also: [roster.url] })
  const email = 'allowed@example.org'
  await page.goto('/')
  assert.deepEqual(await page.evaluate(useRoster, { url: roster.url, admin: roster.admin, email }), used(roster.admin, email))
  assert.deepEqual(without(faults, 401, 412), [])
  await page.context().close()
})

// SameSite=Lax: a page of another site has no cookie, so it has the token itself.
test('by a token, from an allowed origin of another site', async () => {
  const { page, faults } = await openPage(browser, allowedElsewhere.origin, { also: [roster.url] })
  await page.goto('/')
  const seen = await page.evaluate(async ({ url, admin }) => {
    const { createRoster } = await import('/client/index.js')
    const byCookie = createRoster({ baseUrl: url, credentials: 'include' })
    await byCookie.signIn(admin)
    const byToken = createRoster({ baseUrl: url, credentials: 'omit' })
    await byToken.signIn(admin)
    return [await byCookie.getSession().catch((error) => error.code), (await byToken.getSession()).email]
  }, { url: roster.url, admin: roster.admin })
  assert.deepEqual(seen, ['unauthenticated', roster.admin.email])
  assert.deepEqual(await page.context().cookies(), [])
  assert.deepEqual(without(faults, 401), [])
  await page.context().close()
})

describe('from an origin that is not allowed', () => {
  for (const [what, at] of [['of the same site', () => sameSite], ['of another site', () => crossSite]]) {
    test(`nothing is done, ${what}`, async () => {
      const own = await openOwn()
      const context = own.page.context()
      const { url, admin } = roster
      const signedIn = await own.page.evaluate(async (admin) => {
        const { createRoster } = await import('/client/index.js')
        const client = createRoster({ baseUrl: location.origin })
        await client.signIn(admin)
        return (await client.listUsers()).pagination.total
      }, admin)

      const answers = []
      context.on('response', (response) => answers.push(`${response.request().method()} ${response.status()}`))
      const foreign = await context.newPage()
      await foreign.goto(at().origin)
      const seen = await foreign.evaluate(async ({ url, admin }) => {
        const { createRoster } = await import('/client/index.js')
        const client = createRoster({ baseUrl: url, credentials: 'include', retries: 0 })
        const kind = (call) => call.then(() => 'answer', (error) => error.kind)
        const simple = (path, init) => fetch(url + path, { mode: 'no-cors', credentials: 'include', ...init }).then(() => 'opaque', () => 'refused')
        return {
          reads: await kind(client.listUsers()),
          signsIn: await kind(client.signIn(admin)),
          writes: await kind(client.createUser({ name: 'Eve', email: 'eve@example.org', password: 'correct horse battery' })),
          signsOut: await kind(client.signOut()),
          // What needs no leave of CORS to be sent.
          readsSimply: await simple('/api/users'),
          writesSimply: await simple('/api/users', { method: 'POST', body: '{"name":"Eve","email":"eve@example.org","password":"correct horse battery"}' }),
        }
      }, { url, admin })
      assert.deepEqual(seen, {
        reads: 'network', signsIn: 'network', writes: 'network', signsOut: 'network', readsSimply: 'refused', writesSimply: 'refused',
      })

      // A form takes the browser to the answer, and so shows it.
      answers.length = 0
      await foreign.evaluate((url) => {
        const form = Object.assign(document.createElement('form'), { method: 'post', action: `${url}/api/users`, enctype: 'text/plain' })
        form.append(Object.assign(document.createElement('input'), { name: '{"name":"Eve","x":"', value: '"}' }))
        document.body.append(form)
        form.submit()
      }, url)
      await foreign.waitForURL(`${url}/api/users`)
      assert.deepEqual(answers, ['POST 403'])
      await expect(foreign.locator('body')).toHaveText(/"code":"cross_origin"/, asShown)

      const total = await own.page.evaluate(async () => {
        const { createRoster } = await import('/client/index.js')
        return (await createRoster({ baseUrl: location.origin }).listUsers()).pagination.total
      })
      assert.equal(total, signedIn, 'the session lasts, and nobody was made')
      await context.close()
    })
  }
})

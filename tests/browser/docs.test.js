// The page at /docs: Swagger UI from the binary, under a strict policy.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { AxeBuilder } from '@axe-core/playwright'
import { asShown, expect, openPage, startBrowser, without } from './browser.js'
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

/** Opens the page and waits until Swagger UI has drawn the document. */
async function openDocs(path = '/docs', options) {
  const opened = await openPage(browser, roster.url, options)
  const response = await opened.page.goto(path)
  await opened.page.locator('.opblock').first().waitFor()
  return { ...opened, response }
}

/** Opens an operation and waits until Swagger UI has read it: before, its button Execute does nothing. */
async function openOperation(page, operationId) {
  const operation = page.locator(`[id$="-${operationId}"].opblock`)
  if (!(await operation.locator('.opblock-body').isVisible())) await operation.locator('.opblock-summary-control').click()
  await operation.locator('.response').first().waitFor()
  return operation
}

/** Opens an operation, executes it and gives what the page shows: status and body. */
async function execute(page, operationId, body) {
  const operation = await openOperation(page, operationId)
  if (body) await operation.locator('textarea.body-param__text').fill(JSON.stringify(body))
  const clear = operation.locator('button.btn-clear')
  const answer = operation.locator('.live-responses-table .response')
  if (await clear.isVisible()) {
    await clear.click()
    await answer.waitFor({ state: 'detached' }) // of the try before
  }
  await operation.locator('button.execute').click()
  await answer.waitFor()
  const status = Number.parseInt(await answer.locator('.response-col_status').innerText(), 10)
  return { status, body: status === 204 ? undefined : JSON.parse(await answer.locator('.highlight-code code').first().innerText()) }
}

/** Makes a key that may only read users. */
async function readingKey() {
  const call = async (path, body, token) => {
    const headers = { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) }
    const answer = await fetch(roster.url + path, { method: 'POST', headers, body: JSON.stringify(body) })
    assert.equal(answer.status, 201)
    return answer.json()
  }
  const { token } = await call('/api/session', { ...roster.admin, token: true })
  const { secret } = await call('/api/keys', { name: 'Reader', scopes: ['users:read'] }, token)
  return secret
}

describe('/docs', () => {
  test('shows every operation of the document', async () => {
    const document = await (await fetch(`${roster.url}/openapi.json`)).json()
    const expected = Object.values(document.paths)
      .flatMap((item) => Object.values(item))
      .map((operation) => operation.operationId)
      .sort()
    for (const path of ['/docs', '/docs/', '/docs?url=https://example.org/other.yaml']) {
      const { page, faults } = await openDocs(path)
      await expect(page.locator('.opblock-summary-operation-id')).toHaveCount(expected.length)
      const shown = await page.locator('.opblock-summary-operation-id').allInnerTexts()
      assert.deepEqual(shown.map((id) => id.replaceAll('\u200b', '')).sort(), expected)
      await expect(page.locator('.info .title')).toHaveText(new RegExp(document.info.title), asShown)
      assert.deepEqual(faults, [])
      await page.context().close()
    }
  })

  test('has a policy without exceptions, for each of its files', async () => {
    const { page, faults } = await openPage(browser, roster.url)
    const files = []
    page.on('response', (response) => files.push(response))
    await page.goto('/docs')
    await page.locator('.opblock').first().waitFor()
    const own = files.filter((file) => new URL(file.url()).pathname.startsWith('/docs'))
    assert.ok(own.length >= 5, `only ${own.length} files`)
    for (const file of own) {
      const headers = file.headers()
      assert.equal(file.status(), 200, file.url())
      assert.match(headers['content-security-policy'], /default-src 'none'.*script-src 'self'.*frame-ancestors 'none'/)
      assert.doesNotMatch(headers['content-security-policy'], /unsafe|https?:|\*/)
      assert.equal(headers['x-content-type-options'], 'nosniff')
      assert.equal(headers['content-encoding'], 'gzip')
      assert.equal(headers.vary, 'Accept-Encoding')
    }
    assert.deepEqual(faults, [])
    await page.context().close()
  })

  test('opens every operation, schema and tag without a fault', async () => {
    const { page, faults } = await openDocs()
    const controls = page.locator('.opblock-summary-control')
    for (const control of await controls.all()) await control.click()
    await expect(page.locator('.opblock.is-open .responses-table')).toHaveCount(await controls.count())
    for (const button of await page.locator('button.model-box-control, .model-container button').all()) {
      if (await button.isVisible()) await button.click()
    }
    assert.deepEqual(faults, [])
    await page.context().close()
  })

  test('says who may execute an operation', async () => {
    const { page } = await openDocs()
    const operation = await openOperation(page, 'updateUser')
    await expect(operation.locator('.opblock-description')).toHaveText(/Who may: admin and editor \(users:write\); for what is one's own, every role \(profile\)/, asShown)
    const extension = operation.locator('tr', { hasText: 'x-roster-access' }).last()
    await expect(extension).toHaveText(/"permission":"users:write"/, asShown)
    await page.context().close()
  })

  test('opens and closes what an operation may be refused with', async () => {
    const { page } = await openDocs()
    const operation = await openOperation(page, 'listUsers')
    const refusal = operation.getByRole('button', { name: 'Forbidden: forbidden', exact: true })
    const example = operation.locator('.response[data-code="403"] .highlight-code')
    await expect(operation.locator('.response[data-code="200"] .highlight-code')).toBeVisible()
    for (const open of [true, false, true]) {
      await refusal.click()
      await expect(example).toBeVisible({ visible: open })
      await expect(refusal).toHaveAttribute('aria-expanded', String(open))
    }
    await page.context().close()
  })

  test('signs in, and then tries out what takes a session', async () => {
    const { page, faults } = await openDocs()
    const context = page.context()
    const before = await execute(page, 'listUsers')
    assert.deepEqual([before.status, before.body.code], [401, 'unauthenticated'])
    const wrong = await execute(page, 'signIn', { ...roster.admin, password: 'a wrong one' })
    assert.deepEqual([wrong.status, wrong.body.code], [401, 'sign_in_failed'])
    assert.deepEqual(await context.cookies(), [])

    const signedIn = await execute(page, 'signIn', roster.admin)
    assert.deepEqual([signedIn.status, signedIn.body.identity.email, signedIn.body.token], [201, roster.admin.email, undefined])
    const [cookie, ...more] = await context.cookies()
    assert.deepEqual(more, [])
    assert.deepEqual(
      { name: cookie.name, domain: cookie.domain, path: cookie.path, secure: cookie.secure, httpOnly: cookie.httpOnly, sameSite: cookie.sameSite },
      { name: '__Host-roster', domain: new URL(roster.url).hostname, path: '/', secure: true, httpOnly: true, sameSite: 'Lax' },
    )
    assert.equal(await page.evaluate(() => document.cookie), '')

    const email = `browser-${Date.now()}@example.org`
    const created = await execute(page, 'createUser', { name: 'Grace Hopper', email, password: 'correct horse battery' })
    assert.deepEqual([created.status, created.body.email], [201, email])
    const listed = await execute(page, 'listUsers')
    assert.equal(listed.status, 200)
    assert.ok(listed.body.data.some((user) => user.email === email))
    const taken = await execute(page, 'createUser', { name: 'Grace Hopper', email, password: 'correct horse battery' })
    assert.deepEqual([taken.status, taken.body.code], [409, 'email_taken'])

    await page.reload() // the cookie stays
    assert.equal((await execute(page, 'getSession')).body.email, roster.admin.email)
    assert.equal((await execute(page, 'signOut')).status, 204)
    assert.deepEqual(await context.cookies(), [])
    assert.equal((await execute(page, 'listUsers')).status, 401)
    assert.deepEqual(without(faults, 401, 409), [])
    await context.close()
  })

  test('tries out what a key may, and forgets the key', async () => {
    const { page, faults } = await openDocs()
    const secret = await readingKey()
    await page.locator('button.authorize').click()
    // For the cookie there is nothing to type in.
    await expect(page.locator('.modal-ux input:visible')).toHaveId('auth-bearer-value')
    await page.getByLabel('auth-bearer-value').fill(secret)
    await page.locator('.modal-ux button.authorize:visible').click()
    await page.locator('.modal-ux button.btn-done').first().click()

    assert.equal((await execute(page, 'listUsers')).status, 200)
    const session = await execute(page, 'getSession')
    assert.deepEqual([session.body.credential, session.body.permissions], ['key', ['users:read']])
    const refused = await execute(page, 'createUser', { name: 'Eve', email: 'eve@example.org', password: 'correct horse battery' })
    assert.deepEqual([refused.status, refused.body.code, refused.body.permission], [403, 'forbidden', 'users:write'])

    const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie)
    assert.equal(kept, '{}')
    await page.reload()
    assert.equal((await execute(page, 'listUsers')).status, 401)
    assert.deepEqual(without(faults, 401, 403), [])
    await page.context().close()
  })

  test('comes from the cache while the binary is the same', async () => {
    const { page } = await openDocs()
    const statuses = []
    const session = await page.context().newCDPSession(page)
    await session.send('Network.enable')
    session.on('Network.responseReceivedExtraInfo', (event) => statuses.push(event.statusCode))
    await page.reload()
    await page.locator('.opblock').first().waitFor()
    await expect.poll(() => statuses.filter((status) => status === 304).length).toBeGreaterThanOrEqual(4)
    await page.context().close()
  })

  // Swagger UI's own, in its markup, which this page cannot change: the row of an
  // operation is a button that holds buttons (each is reached by the keyboard), the
  // lists to choose from and the body have their name beside them, not as a label, and
  // the cross that closes the dialog has none (the button Close does the same).
  const known = [
    { id: 'nested-interactive', within: '.opblock-summary-control' },
    { id: 'select-name', within: '.parameters-col_description > select' },
    { id: 'select-name', within: '.examples-select-element' },
    { id: 'label', within: 'textarea' },
    { id: 'button-name', within: '.close-modal' },
  ]

  for (const colorScheme of ['light', 'dark']) {
    test(`has no serious barrier of ours, ${colorScheme}`, async () => {
      const { page, faults } = await openDocs('/docs', { colorScheme })
      await execute(page, 'getSession')
      await openOperation(page, 'createUser')
      await page.getByRole('tab', { name: 'Schema' }).first().click()
      await page.locator('[id$="-getSession"] .refusal button').first().click()
      const { violations } = await new AxeBuilder({ page }).analyze()
      await page.locator('button.authorize').click()
      await page.locator('.modal-ux').waitFor()
      violations.push(...(await new AxeBuilder({ page }).include('.modal-ux').analyze()).violations)
      const found = violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .flatMap(({ id, nodes }) => nodes.map(({ target, any }) => ({ id, at: String(target), why: any[0]?.message })))
        .filter(({ id, at }) => !known.some((k) => k.id === id && at.endsWith(k.within)))
      assert.deepEqual(found, [])
      assert.deepEqual(without(faults, 401), [])
      await page.context().close()
    })
  }
})

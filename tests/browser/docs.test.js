// The page at /docs: Swagger UI from the binary, under a strict policy.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { AxeBuilder } from '@axe-core/playwright'
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

/** Opens the page and waits until Swagger UI has drawn the document. */
async function openDocs(path = '/docs', options) {
  const opened = await openPage(browser, roster.url, options)
  const response = await opened.page.goto(path)
  await opened.page.locator('.opblock').first().waitFor()
  return { ...opened, response }
}

/** Opens an operation, executes it and gives what the page shows: status and body. */
async function execute(page, operationId, body) {
  const operation = page.locator(`[id$="-${operationId}"].opblock`)
  if (!(await operation.locator('.opblock-body').isVisible())) await operation.locator('.opblock-summary-control').click()
  if (body) await operation.locator('textarea.body-param__text').fill(JSON.stringify(body))
  const clear = operation.locator('button.btn-clear')
  if (await clear.isVisible()) await clear.click() // the answer to the try before
  await operation.locator('button.execute').click()
  const answer = operation.locator('.live-responses-table .response')
  await answer.waitFor()
  return {
    status: Number.parseInt(await answer.locator('.response-col_status').innerText(), 10),
    body: JSON.parse(await answer.locator('.highlight-code code').first().innerText()),
  }
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
      const shown = await page.locator('.opblock-summary-operation-id').allInnerTexts()
      assert.deepEqual(shown.map((id) => id.replaceAll('\u200b', '')).sort(), expected)
      assert.match(await page.locator('.info .title').innerText(), new RegExp(document.info.title))
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
    for (const control of await page.locator('.opblock-summary-control').all()) await control.click()
    for (const button of await page.locator('button.model-box-control, .model-container button').all()) {
      if (await button.isVisible()) await button.click()
    }
    await page.locator('.responses-table').nth(0).waitFor()
    assert.deepEqual(faults, [])
    await page.context().close()
  })

  test('tries out listUsers and createUser', async () => {
    const { page, faults } = await openDocs()
    const email = `browser-${Date.now()}@example.org`

    const created = await execute(page, 'createUser', { name: 'Grace Hopper', email, password: 'correct horse battery' })
    assert.equal(created.status, 201)
    assert.equal(created.body.email, email)

    const listed = await execute(page, 'listUsers')
    assert.equal(listed.status, 200)
    assert.ok(listed.body.data.some((user) => user.email === email))
    assert.deepEqual(faults, [])

    const taken = await execute(page, 'createUser', { name: 'Grace Hopper', email, password: 'correct horse battery' })
    assert.equal(taken.status, 409)
    assert.equal(taken.body.code, 'email_taken')
    // Chromium itself notes each answer of 400 and above.
    assert.deepEqual(faults.filter((fault) => !fault.includes('status of 409')), [])
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
    assert.ok(statuses.filter((status) => status === 304).length >= 4, `statuses ${statuses}`)
    await page.context().close()
  })

  test('sends a token, and forgets it', async () => {
    const { page, faults } = await openPage(browser, roster.url)
    const document = await (await fetch(`${roster.url}/openapi.json`)).json()
    document.components.securitySchemes = { bearer: { type: 'http', scheme: 'bearer' } }
    document.paths['/api/users'].get.security = [{ bearer: [] }]
    await page.route('/openapi.yaml', (route) => route.fulfill({ json: document }))
    const sent = []
    await page.route('/api/users**', (route) => {
      sent.push(route.request().headers().authorization)
      return route.fulfill({ json: {} })
    })

    await page.goto('/docs')
    await page.locator('button.authorize').click()
    await page.getByLabel('auth-bearer-value').fill('a-token')
    await page.locator('.modal-ux button.authorize').click()
    await page.locator('.modal-ux button.btn-done').click()
    await execute(page, 'listUsers')
    await page.reload()
    await execute(page, 'listUsers')
    assert.deepEqual(sent, ['Bearer a-token', undefined])
    assert.deepEqual(faults, [])
    await page.context().close()
  })

  // Swagger UI's own, in its markup, which this page cannot change: the row of an
  // operation is a button that holds buttons (each is reached by the keyboard), and
  // the lists to choose from and the body have their name beside them, not as a label.
  const known = [
    { id: 'nested-interactive', within: '.opblock-summary-control' },
    { id: 'select-name', within: '.parameters-col_description > select' },
    { id: 'select-name', within: '.examples-select-element' },
    { id: 'label', within: 'textarea' },
  ]

  for (const colorScheme of ['light', 'dark']) {
    test(`has no serious barrier of ours, ${colorScheme}`, async () => {
      const { page, faults } = await openDocs('/docs', { colorScheme })
      await execute(page, 'listUsers')
      await page.locator('[id$="-createUser"] .opblock-summary-control').click()
      await page.getByRole('tab', { name: 'Schema' }).first().click()
      const { violations } = await new AxeBuilder({ page }).analyze()
      const found = violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .flatMap(({ id, nodes }) => nodes.map(({ target, any }) => ({ id, at: String(target), why: any[0]?.message })))
        .filter(({ id, at }) => !known.some((k) => k.id === id && at.endsWith(k.within)))
      assert.deepEqual(found, [])
      assert.deepEqual(faults, [])
      await page.context().close()
    })
  }
})

// The dashboard: what getStats gives, as numbers, charts and tables.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { asShown, expect, without } from './browser.js'
import { assertAccessible, inTheme, settled, sizes, startConsole, themes } from './console.js'

let c

// Its own, for a year of users, which must be there before anybody asks: statistics are kept for a minute.
before(async () => {
  c = await startConsole({})
  await c.roster.command('seed', '--users', '3000')
})

after(() => c?.stop())

const panel = (page, title) => page.getByRole('region', { name: title, exact: true }).first()
const number = (page, label) => page.locator('dl > div').filter({ hasText: label }).locator('dd').first()
const grouped = (count) => count.toLocaleString('en-US')
const picture = (page, title) => panel(page, title).locator('canvas').evaluate((canvas) => canvas.toDataURL())

/** Opens the dashboard, and gives the statistics that the page got, too. */
async function open(who, path = '/', options) {
  const opened = await c.openAs(who, '/settings', options)
  const [answer] = await Promise.all([opened.page.waitForResponse(/\/api\/stats/), opened.page.goto(path)])
  const stats = await answer.json()
  await settled(opened.page)
  return { ...opened, stats }
}

describe('the dashboard', () => {
  test('shows what the server has counted', async () => {
    const { page, faults, stats } = await open('viewer')
    assert.equal(stats.days.length, 30)
    assert.ok(stats.users.total > 3000 && stats.users.disabled > 0 && stats.days.every((day, i) => day.signUps > 0 || i === 29), JSON.stringify(stats))
    for (const [label, value] of [['all of them', stats.users.total], ['Disabled', stats.users.disabled], ['Active sessions', stats.sessions], ['Active keys', stats.keys]]) {
      await expect(number(page, label), label).toHaveText(grouped(value), asShown)
    }
    for (const [name, value] of [['Admin', stats.users.byRole.admin], ['Editor', stats.users.byRole.editor], ['Viewer', stats.users.byRole.viewer]]) {
      await expect(panel(page, 'Users by role').getByRole('link', { name })).toContainText(grouped(value), asShown)
    }
    const signUps = grouped(stats.days.reduce((sum, day) => sum + day.signUps, 0))
    await expect(page.getByRole('img', { name: /^Sign-ups on each of 30 days\./ })).toHaveAccessibleName(new RegExp(` ${signUps} in all`))
    await page.getByText(/^Counted (now|\d+ minutes? ago)\. Numbers may be a minute old/).waitFor()
    await page.getByText('Days are in UTC.').waitFor()
    assert.deepEqual(faults, [])
    await page.context().close()
  })

  test('takes the days from the URL, and keeps the place', async () => {
    const { page, faults } = await open('viewer')
    const range = (days) => page.getByRole('navigation', { name: 'How many days' }).getByRole('link', { name: `${days} days` })
    const shown = (days) => page.getByRole('img', { name: new RegExp(`^Sign-ups on each of ${days} days`) }).waitFor()
    for (const days of [90, 365]) {
      await range(days).click()
      await shown(days)
      await expect(page).toHaveURL(`${c.roster.url}/?days=${days}`)
      await expect(range(days)).toHaveAttribute('aria-current', 'true')
    }
    await page.reload()
    await shown(365)
    await settled(page)
    await page.goBack()
    await shown(90)
    await range(30).click()
    await shown(30)
    await expect(page).toHaveURL(`${c.roster.url}/`)
    await settled(page)
    await page.goto('/?days=12')
    await shown(30)
    await settled(page)
    assert.deepEqual(faults, [])
    await page.context().close()
  })

  test('has a table for each chart, by the keyboard', async () => {
    const { page, faults, stats } = await open('viewer', '/?days=90')
    const signUps = panel(page, 'Sign-ups')
    await page.getByRole('button', { name: 'Sign-ups as a table' }).focus()
    await page.keyboard.press('Enter')
    const rows = signUps.getByRole('row')
    await expect(rows).toHaveCount(91)
    await expect(signUps.getByRole('cell')).toHaveText(stats.days.map((day) => grouped(day.signUps)).reverse(), asShown)
    await expect(signUps.locator('time').first()).toHaveAttribute('datetime', stats.days.at(-1).day)
    await page.keyboard.press('Tab')
    await page.keyboard.press('End') // what scrolls can be scrolled without a mouse
    await page.waitForFunction(() => document.activeElement.scrollTop > 100)
    await assertAccessible(page)
    await page.getByRole('button', { name: 'Sign-ups as a chart' }).press('Enter')
    await signUps.locator('canvas').waitFor()
    await page.getByRole('button', { name: 'Sign-ins as a table' }).click()
    await expect(panel(page, 'Sign-ins').getByRole('columnheader')).toHaveText(['Day (UTC)', 'Sign-ins', 'Failures'], asShown)
    await settled(page)
    assert.deepEqual(faults, [])
    await page.context().close()
  })

  test('counts a sign-in, and one that fails', async () => {
    const { page, faults, stats } = await open('admin')
    const today = stats.days.at(-1)
    assert.ok(today.signIns > 0, JSON.stringify(today)) // this one
    await page.route('**/api/stats*', (route) => route.fulfill({ json: { ...stats, days: [...stats.days.slice(0, -1), { ...today, signIns: 1234, signInFailures: 5 }] } }))
    await page.reload()
    await settled(page)
    const others = stats.days.slice(0, -1).reduce((sum, day) => sum + day.signIns, 0)
    await panel(page, 'Sign-ins').getByText(`${grouped(1234 + others)} in 30 days, and 5 failures`).waitFor()
    assert.deepEqual(faults, [])
    await page.context().close()
  })

  test('is drawn anew when the theme changes', async () => {
    const { page, faults } = await open('viewer', '/', { theme: 'light', reducedMotion: 'reduce' })
    for (const title of ['Users by role', 'Sign-ups', 'Sign-ins']) {
      await inTheme(page, 'light')
      const light = await picture(page, title)
      await inTheme(page, 'dark')
      await page.waitForFunction(([title, light]) => {
        const region = [...document.querySelectorAll('section')].find((section) => section.querySelector('h2')?.textContent === title)
        return region.querySelector('canvas').toDataURL() !== light
      }, [title, light])
    }
    assert.deepEqual(faults, [])
    await page.context().close()
  })

  test('alone loads the charts', async () => {
    const { page, faults } = await c.openAs('viewer', '/settings')
    const asked = []
    page.on('request', (request) => asked.push(new URL(request.url()).pathname))
    await page.goto('/keys')
    await settled(page)
    assert.deepEqual(asked.filter((path) => /\/chart-/.test(path)), [])
    await page.goto('/')
    await settled(page)
    await expect.poll(() => asked.filter((path) => /\/chart-/.test(path)).length).toBe(1)
    assert.deepEqual(faults, [])
    await page.context().close()
  })

  test('shows tables where the charts cannot be loaded', async () => {
    const { page } = await c.openAs('viewer', '/settings')
    await page.route('**/assets/chart-*.js', (route) => route.abort())
    await page.goto('/')
    await panel(page, 'Sign-ups').getByRole('row').nth(30).waitFor()
    await panel(page, 'Users by role').getByRole('link', { name: 'Editor' }).waitFor()
    await page.context().close()
  })

  test('says why there is nothing, and tries again', async () => {
    const { page, faults } = await c.openAs('viewer', '/settings')
    const away = (route) => route.fulfill({ status: 503, contentType: 'application/problem+json', headers: { 'Retry-After': '60' }, body: '{"code":"unavailable","detail":"Not now.","status":503}' })
    await page.route('**/api/stats*', away)
    await page.goto('/')
    await page.getByRole('alert').getByText('This could not be loaded').waitFor()
    await assertAccessible(page)
    await page.unroute('**/api/stats*', away)
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('img', { name: /^Sign-ups/ }).waitFor()
    await settled(page)
    assert.deepEqual(without(faults, 503), [])
    await page.context().close()
  })

  test('says how old the numbers are, and has them made anew', async () => {
    const { page, faults, stats } = await open('viewer')
    const old = (route) => route.fulfill({ json: { ...stats, generatedAt: new Date(Date.now() - 5 * 60_000).toISOString() } })
    await page.route('**/api/stats*', old)
    await page.reload()
    await page.getByText('Counted 5 minutes ago.').waitFor()
    await settled(page)
    await page.unroute('**/api/stats*', old)
    await page.getByRole('button', { name: 'Refresh' }).click()
    await page.getByText(/^Counted (now|1 minute ago)\./).waitFor()
    await settled(page)
    assert.deepEqual(faults, [])
    await page.context().close()
  })

  for (const theme of themes) {
    for (const size of Object.keys(sizes)) {
      test(`has no serious barrier, ${theme}, ${size}`, async () => {
        const { page, faults } = await open('editor', '/', { theme, size })
        await assertAccessible(page)
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, 'it scrolls sideways')
        assert.deepEqual(faults, [])
        await page.context().close()
      })
    }
  }
})

describe('a fresh install', () => {
  let fresh
  before(async () => (fresh = await startConsole({})))
  after(() => fresh?.stop())

  test('leads to the first user', async () => {
    const { page, faults } = await fresh.openAs('admin')
    await page.getByText('Nobody is here yet but you').waitFor()
    await expect(number(page, 'all of them')).toHaveText('1', asShown)
    for (const colorScheme of themes) {
      await inTheme(page, colorScheme)
      await assertAccessible(page)
    }
    await page.getByRole('link', { name: 'Create a user' }).click()
    await page.waitForURL('**/users/new')
    await settled(page)
    assert.deepEqual(faults, [])
    await page.context().close()
  })
})

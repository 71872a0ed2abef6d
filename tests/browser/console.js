// What tests of the console need: a Roster, people of each role who are signed in,
// pages of each size and theme, axe, and pictures.

import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import { openPage, startBrowser } from './browser.js'
import { startRoster } from './roster.js'

/** The sizes of screens that the console is looked at. */
export const sizes = {
  wide: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
}

/** The themes. */
export const themes = ['light', 'dark']

/** The screens that need no id in their path; the open ones need no session. */
export const screens = ['/', '/users', '/users/new', '/keys', '/sessions', '/audit', '/settings']
export const openScreens = ['/sign-in', '/choose-password']

const password = 'correct horse battery'

/** Starts a Roster, with settings of its own if there are some, and a browser. */
export async function startConsole(settings) {
  const roster = await startRoster(settings)
  const browser = await startBrowser()
  const { token } = await call(roster, 'POST', '/api/session', { ...roster.admin, token: true })
  let made = 0

  /** Calls the API as the admin, beside the page: /api/users and so on. Gives the answer's body. */
  const api = (method, path, body) => call(roster, method, path, body, token)

  /** Makes a user, and gives what they sign in with, too. */
  const makeUser = async (role = 'viewer', fields = {}) => {
    made += 1
    const body = { name: `Test ${role} ${made}`, email: `${role}-${made}-${process.pid}@example.org`, password, role, ...fields }
    return { ...(await api('POST', '/api/users', body)), password: body.password }
  }

  /** Opens a page as nobody. */
  const open = async (path, { size = 'wide', theme = 'light', ...options } = {}) => {
    const opened = await openPage(browser, roster.url, { ...sizes[size], colorScheme: theme, ...options })
    await opened.page.goto(path)
    await settled(opened.page)
    return opened
  }

  return {
    roster,
    browser,
    api,
    makeUser,
    open,
    /**
     * Opens a page as somebody: the admin, a user of makeUser, or a new user of a role. `who` is that user;
     * {@link openPage} tells of faults.
     */
    openAs: async (who, path = '/', options) => {
      const user = who === 'admin' ? roster.admin : typeof who === 'string' ? await makeUser(who) : who
      const opened = await open('/sign-in', options)
      await opened.page.evaluate(async ({ email, password }) => {
        const answer = await fetch('/api/session', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ email, password }) })
        await answer.text() // else leaving the page breaks it off
        if (answer.status !== 201) throw new Error(`signing in: ${answer.status}`)
      }, user)
      await opened.page.goto(path)
      await settled(opened.page)
      return { ...opened, who: user }
    },
    stop: async () => {
      await browser.close()
      await roster.stop()
    },
  }
}

async function call(roster, method, path, body, token) {
  const headers = { ...(body && { 'Content-Type': 'application/json' }), ...(token && { Authorization: `Bearer ${token}` }) }
  const answer = await fetch(roster.url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) })
  const text = await answer.text()
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`)
  return text ? JSON.parse(text) : undefined
}

/** Waits until a screen has its heading and nothing on it loads. */
export async function settled(page) {
  await page.getByRole('heading', { level: 1 }).or(page.locator('main p')).first().waitFor()
  await loaded(page)
}

/** Waits until nothing loads. */
function loaded(page) {
  return page.waitForFunction(() => !document.querySelector('[data-loading], [aria-busy=true]') && [...document.images].every((image) => image.complete))
}

/** Asks for a theme as the system does, and waits until the console is in it. */
export async function inTheme(page, colorScheme) {
  await page.emulateMedia({ colorScheme })
  await page.waitForFunction((dark) => document.documentElement.classList.contains('dark') === dark, colorScheme === 'dark')
}

/** Fills the sign-in page and sends it. */
export async function signIn(page, { email, password }) {
  await page.getByLabel('Email').fill(email)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

// While a Select is open Reka UI keeps the focus in it and hides all else from readers; axe knows that of dialogs only.
const known = [{ id: 'aria-hidden-focus', at: '#app' }]

/** Fails if axe finds a serious barrier. What loads or moves is waited for: half seen, its contrast is lower. */
export async function assertAccessible(page, at = page.url()) {
  await still(page)
  const { violations } = await new AxeBuilder({ page }).analyze()
  const found = violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ target, any, all }) => ({ id, at: String(target), why: (any[0] ?? all[0])?.message })))
    .filter(({ id, at }) => !known.some((k) => k.id === id && k.at === at))
  assert.deepEqual(found, [], at)
}

/** Takes a picture, once nothing loads or moves. */
export async function screenshot(page, path, options) {
  await still(page)
  await mkdir(dirname(path), { recursive: true })
  await page.screenshot({ path, ...options })
}

/** Waits for what loads, and for animations, but those that never end. */
async function still(page) {
  await loaded(page)
  await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))) // what has begun moves from then on
  await page.evaluate(() => Promise.allSettled(
    document.getAnimations().filter((a) => a.effect?.getComputedTiming().iterations !== Infinity).map((a) => a.finished),
  ))
}

/** Gives the hashes of the page's <style> elements, as a policy names them. */
export function styleHashes(page) {
  return page.evaluate(() => Promise.all([...document.querySelectorAll('style')].map(async (style) => {
    const sum = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(style.textContent))
    return `'sha256-${btoa(String.fromCharCode(...new Uint8Array(sum)))}'`
  })))
}

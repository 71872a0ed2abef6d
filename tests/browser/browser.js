// A Chromium that keeps to itself, and pages that tell on themselves.

import { existsSync } from 'node:fs'
import { chromium, expect as patient } from '@playwright/test'

/**
 * Waits until something on a page is so, as long as a page waits for an element. A test says by it what it
 * sees: what is read once may be what was there before.
 */
export const expect = patient.configure({ timeout: 30_000 })

/** For texts: what is to be seen of them, not what the markup has. */
export const asShown = { useInnerText: true }

/** Starts Chromium, CHROMIUM or Debian's, with an empty profile. */
export function startBrowser() {
  const executablePath = process.env.CHROMIUM || '/usr/bin/chromium'
  if (!existsSync(executablePath)) {
    throw new Error(`no browser at ${executablePath}: apt-get install -y chromium, or set CHROMIUM`)
  }
  return chromium.launch({
    executablePath,
    headless: true,
    args: [
      '--no-sandbox', // containers and root have none
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/**
 * Opens a page that may talk to origin alone, and to what `also` lists. faults
 * collects what must not be: errors, broken policies, requests to elsewhere.
 */
export async function openPage(browser, origin, { also = [], ...options } = {}) {
  const context = await browser.newContext({ baseURL: origin, serviceWorkers: 'block', ...options })
  const allowed = [origin, ...also]
  const faults = []
  await context.exposeFunction('__fault', (text) => faults.push(text))
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (e) => {
      window.__fault(`policy: ${e.violatedDirective} refused ${e.blockedURI} (${e.sourceFile}:${e.lineNumber})`)
    })
  })
  context.on('request', (request) => {
    const url = new URL(request.url())
    if (url.protocol !== 'data:' && url.protocol !== 'blob:' && !allowed.includes(url.origin)) {
      faults.push(`request elsewhere: ${url}`)
    }
  })
  const answered = new WeakSet()
  context.on('response', (response) => answered.add(response.request()))
  context.on('requestfailed', (request) => {
    // Who leaves a page or asks anew cancels what still loads. A change must not be cut off before its answer.
    const harmless = request.method() === 'GET' || answered.has(request)
    if (harmless && request.failure().errorText === 'net::ERR_ABORTED') return
    faults.push(`request failed: ${request.url()}`)
  })
  context.on('console', (message) => {
    if (message.type() === 'error') faults.push(`console: ${message.text()} (${message.location().url})`)
  })
  context.on('weberror', (error) => faults.push(`page: ${error.error()}`))
  const page = await context.newPage()
  page.setDefaultTimeout(30_000)
  return { page, faults }
}

/** Gives the faults but for the statuses: Chromium notes each answer of 400 and above. */
export function without(faults, ...statuses) {
  return faults.filter((fault) => !statuses.some((status) => fault.includes(`status of ${status} `)))
}

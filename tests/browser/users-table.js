// Measures how long the console's table of users takes, in milliseconds, and prints it as
// JSON. Run by TestTortureUsersTable in internal/apitest, which seeds the users and sets
// ROSTER_URL, ROSTER_TOKEN (of a session) and ROUNDS.

import assert from 'node:assert/strict'
import { expect, openPage, startBrowser } from './browser.js'
import { sizes } from './console.js'

const url = process.env.ROSTER_URL
const token = process.env.ROSTER_TOKEN
const words = ['anna', 'ngozi.okafor', 'nakamura']

/** Runs before the page: notes when a row was painted that can be gone to, and the search field takes the focus. */
function watchForRows() {
  const look = () => {
    const field = document.querySelector('[data-search] input, input[data-search]')
    if (field && document.querySelector('main tbody tr[data-id][tabindex="0"]')) {
      field.focus()
      if (document.activeElement === field) {
        requestAnimationFrame(() => (window.usable = performance.now())) // that frame is painted by the next
        return
      }
    }
    requestAnimationFrame(look)
  }
  requestAnimationFrame(look)
}

/** Opens an address in a new context, with an empty cache, and gives the page and the time from its start. */
async function open(path) {
  const { page, faults } = await openPage(browser, url, sizes.wide)
  // Browsers take a Secure cookie of http on localhost; the protocol that sets it here wants https.
  await page.context().addCookies([{ name: '__Host-roster', value: token, url: url.replace('http:', 'https:'), secure: true, httpOnly: true, sameSite: 'Lax' }])
  await page.addInitScript(watchForRows)
  await page.goto(path, { waitUntil: 'commit' })
  const took = await (await page.waitForFunction(() => window.usable)).jsonValue()
  return { page, faults, took }
}

/** Does something to the table and gives the time from the event until other rows, for which `shown` holds, are painted. */
async function change(page, event, act, shown = '') {
  await page.evaluate((event) => {
    window.before = document.querySelector('main tbody tr[data-id]').dataset.id
    window.began = undefined
    addEventListener(event, () => (window.began ??= performance.now()), { capture: true, once: true })
  }, event)
  await act()
  const took = await page.waitForFunction((shown) => {
    const rows = [...document.querySelectorAll('main tbody tr[data-id]')]
    const there = rows.length > 0 && rows[0].dataset.id !== window.before && rows.every((row) => row.innerText.toLowerCase().includes(shown))
    return there && !document.querySelector('main [aria-busy=true]') && performance.now() - window.began
  }, shown)
  return took.jsonValue()
}

async function close({ page, faults }) {
  await page.waitForLoadState()
  await page.context().close()
  assert.deepEqual(faults, [])
}

/** Gives the address of the last page, whose cursor the page before it has. */
async function lastPage() {
  const ask = async (page) => {
    const answer = await fetch(`${url}/api/users?sort=-createdAt&limit=20&page=${page}`, { headers: { Authorization: `Bearer ${token}` } })
    assert.equal(answer.status, 200)
    return (await answer.json()).pagination
  }
  const { pages } = await ask(1)
  return `/users?cursor=${encodeURIComponent((await ask(pages - 1)).next)}`
}

const browser = await startBrowser()
const times = { open: [], sort: [], next: [], search: [], last: [] }
try {
  const last = await lastPage()
  for (let round = 0; round < Number(process.env.ROUNDS); round += 1) {
    const opened = await open('/users')
    const { page } = opened
    times.open.push(opened.took)
    times.sort.push(await change(page, 'click', () => page.getByRole('columnheader', { name: 'Email' }).getByRole('button').click()))
    times.next.push(await change(page, 'click', () => page.getByRole('link', { name: 'Next' }).click()))
    const word = words[round % words.length]
    times.search.push(await change(page, 'input', () => page.getByRole('searchbox').fill(word), word.split('.')[0]))
    await close(opened)

    const end = await open(last)
    times.last.push(end.took)
    await expect(end.page.getByRole('link', { name: 'Next' }), 'it is not the last page').toHaveCount(0)
    await close(end)
  }
} finally {
  await browser.close()
}
console.log(JSON.stringify(times))

// Takes the picture of /docs that the README shows.

import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openPage, startBrowser } from './browser.js'
import { startRoster } from './roster.js'

const path = fileURLToPath(new URL('../../docs/swagger-ui.png', import.meta.url))
const roster = await startRoster()
const browser = await startBrowser()
try {
  const { page } = await openPage(browser, roster.url, { colorScheme: 'light', viewport: { width: 1120, height: 832 } })
  await page.goto('/docs')
  await page.locator('.opblock').first().waitFor()
  await mkdir(dirname(path), { recursive: true })
  await page.screenshot({ path })
} finally {
  await browser.close()
  await roster.stop()
}

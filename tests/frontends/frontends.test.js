// The code of docs/frontends.md, as a reader would have it: compiled, built and, in a
// browser, before a Roster. What it shows of the Nuxt example is the example's own text.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build, preview } from 'vite'
import { openPage, startBrowser, without } from '../browser/browser.js'
import { startRoster } from '../browser/roster.js'

const run = promisify(execFile)
const at = (path) => fileURLToPath(new URL(path, import.meta.url))
const client = '../../clients/typescript/'

/** The blocks of the page: of which section, in which language, of which file if it names one. */
const blocks = []
let section
for (const [, heading, language, file, text] of (await readFile(at('../../docs/frontends.md'), 'utf8'))
  .matchAll(/^#+ ([^\n]*)$|^```(\w+)(?: ([^\n]*))?\n(.*?)^```$/gms)) {
  if (heading) section = heading
  else blocks.push({ section, language, file, text })
}

/** Takes the one block of a section, so that in the end none is left. */
const left = new Set(blocks)
function take(section, language, file) {
  const found = blocks.filter((b) => b.section === section && b.language === language && b.file === file)
  assert.equal(found.length, 1, `${section}: ${language} ${file ?? ''}`)
  left.delete(found[0])
  return found[0].text
}

const app = take('Vue', 'vue', 'src/App.vue')
const component = take('React', 'tsx', 'src/App.tsx')
const config = take("From Roster's own address", 'ts', 'vite.config.ts')
const elsewhere = take('From another address', 'ts', 'src/roster.ts')
const allowed = take('From another address', 'sh')
const install = take('The package', 'sh')
take('Node', 'ts') // clients/typescript/test/server runs it

const html = (main) => `<!doctype html><html lang="en"><title>People</title><link rel="icon" href="data:,"><div id="app"></div><script type="module" src="/src/${main}"></script></html>`
const settings = {
  target: 'ES2022', module: 'ESNext', moduleResolution: 'bundler', lib: ['ES2022', 'DOM', 'DOM.Iterable'], types: [], noEmit: true,
  strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true, noUnusedLocals: true, verbatimModuleSyntax: true, isolatedModules: true, skipLibCheck: true,
}

let roster, browser, port, folder

// Where the pages are is part of what Roster is told, and where Roster is of what they are built of.
before(async () => {
  port = await freePort()
  const settings = Object.fromEntries([allowed.split(' ')[0].replace('5173', port).split('=')])
  roster = await startRoster(settings)
  browser = await startBrowser()
  await mkdir(at('.pages'), { recursive: true }) // in here, where the packages are found
  folder = await mkdtemp(at('.pages/'))
})

after(async () => {
  await browser?.close()
  await roster?.stop()
  if (folder) await rm(folder, { recursive: true })
})

/** Writes a project. */
async function write(name, files, compilerOptions) {
  const root = join(folder, name)
  for (const [path, text] of Object.entries({
    ...files,
    'package.json': '{"type": "module"}',
    'tsconfig.json': JSON.stringify({ compilerOptions: { ...settings, ...compilerOptions }, include: ['src', '*.ts'] }),
  })) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text.replaceAll('http://localhost:8080', roster.url))
  }
  return root
}

/** Lets the compiler look at a project. */
async function compile(root) {
  const said = await run(process.execPath, [at('node_modules/vue-tsc/bin/vue-tsc.js'), '-p', root]).catch((error) => error)
  assert.equal(said.stdout, '')
}

/** Builds a project, and serves it at localhost until a test ends. */
async function serve(t, root, options) {
  const own = { root, logLevel: 'error', ...options }
  await build(own)
  const server = await preview({ ...own, preview: { host: 'localhost', port, strictPort: true } })
  t.after(() => server.close())
  return `http://localhost:${port}`
}

/** What every page on it does: signs in, lists, edits, meets somebody who was faster, and stays signed in. */
async function use(origin, { also = [], name }) {
  const api = await signedIn()
  const user = await api('POST', '/api/users', { name, email: `${name.toLowerCase()}@example.org`, password: 'correct horse battery' })
  const { page, faults } = await openPage(browser, origin, { also })
  await page.goto('/')
  await page.getByPlaceholder('Email').fill(roster.admin.email)
  await page.getByPlaceholder('Password').fill('not the password')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('alert').getByText('wrong').waitFor()
  await page.getByPlaceholder('Password').fill(roster.admin.password)
  await page.getByRole('button', { name: 'Sign in' }).click()

  const row = page.getByRole('listitem').filter({ hasText: name })
  page.once('dialog', (dialog) => dialog.accept(`${name} renamed`))
  await row.getByRole('button').click()
  await page.getByText(`${name} renamed`).waitFor()
  page.once('dialog', async (dialog) => {
    await api('PATCH', `/api/users/${user.id}`, { name: `${name} by somebody else` })
    await dialog.accept(`${name} too late`)
  })
  await row.getByRole('button').click()
  await page.getByText('Somebody else was faster').waitFor()
  await page.reload()
  await page.getByText(`${name} by somebody else`).waitFor()
  assert.equal(await page.evaluate(() => document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage })), '{}')
  assert.deepEqual(without(faults, 401, 412), [])
  await page.context().close()
}

/** Calls the API beside the page, as the admin. */
async function signedIn() {
  const call = (token) => async (method, path, body) => {
    const headers = { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) }
    const answer = await fetch(roster.url + path, { method, headers, body: JSON.stringify(body) })
    assert.ok(answer.ok, `${method} ${path}: ${answer.status}`)
    return answer.json()
  }
  const { token } = await call()('POST', '/api/session', { ...roster.admin, token: true })
  return call(token)
}

test("the page of Vue works, from Roster's own address", async (t) => {
  const root = await write('vue', {
    'index.html': html('main.ts'),
    'src/main.ts': "import { createApp } from 'vue'\nimport App from './App.vue'\n\ncreateApp(App).mount('#app')\n",
    'src/App.vue': app,
    'vite.config.ts': config,
  })
  const [origin] = await Promise.all([serve(t, root, { configFile: join(root, 'vite.config.ts') }), compile(root)])
  await use(origin, { name: 'Evan' })
})

test('the page of React works, from another address', async (t) => {
  const line = "const roster = createRoster({ baseUrl: '/' })\n"
  assert.ok(component.includes(line) && app.includes(line))
  const root = await write('react', {
    'index.html': html('main.tsx'),
    'src/main.tsx': "import { createRoot } from 'react-dom/client'\nimport App from './App'\n\ncreateRoot(document.querySelector('#app')!).render(<App />)\n",
    'src/App.tsx': component.replace(line, elsewhere),
  }, { jsx: 'react-jsx' })
  const [origin] = await Promise.all([serve(t, root, { configFile: false }), compile(root)])
  await use(origin, { also: [roster.url], name: 'Jordan' })
})

test('the package is packed and installed', async () => {
  const project = await mkdtemp(join(tmpdir(), 'roster-install-'))
  const clone = join(project, 'roster/clients/typescript')
  for (const part of ['package.json', 'dist', 'README.md', 'LICENSE']) await cp(at(client + part), join(clone, part), { recursive: true })
  await writeFile(join(project, 'package.json'), '{"private": true}')
  // It is cloned and built already.
  const [, ...lines] = install.replace('npm ci && npm run build && ', '').split('\n')
  const env = { ...process.env, npm_config_offline: 'true', npm_config_audit: 'false' }
  await run('bash', ['-euc', lines.join('\n')], { cwd: project, env })
  const { stdout } = await run(process.execPath, ['-p', "import('@roster/client').then((c) => console.log(typeof c.createRoster))"], { cwd: project })
  assert.match(stdout, /function/)
  await rm(project, { recursive: true })
})

describe('the Nuxt example has what the page shows of it', () => {
  for (const { file, text } of blocks.filter(({ section }) => section === 'Nuxt')) {
    test(file, async () => {
      left.delete(take('Nuxt', 'ts', file))
      assert.ok((await readFile(at(`../../clients/examples/nuxt/${file}`), 'utf8')).includes(text))
    })
  }
})

test('nothing on the page is left out', () => {
  assert.deepEqual([...left].map(({ section, language, file }) => [section, language, file]), [])
})

async function freePort() {
  const probe = createServer().listen(0, 'localhost')
  await once(probe, 'listening')
  const { port } = probe.address()
  probe.close()
  await once(probe, 'close')
  return port
}

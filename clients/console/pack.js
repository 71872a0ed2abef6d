// Compresses what Vite has built into packed/, which the binary embeds, and fails if
// the first load (the sign-in page and the shell) has more script than its budget.

import { readdir, readFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'

const budget = 300 * 1024
const dist = new URL('dist/', import.meta.url).pathname
const packed = new URL('packed/', import.meta.url).pathname

const sizes = new Map()
for (const name of await readdir(packed)) {
  if (name !== 'README.md') await rm(join(packed, name), { recursive: true })
}
for (const entry of await readdir(dist, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name)
  const name = path.slice(dist.length)
  if (!entry.isFile() || name.startsWith('.vite')) continue
  const bytes = gzipSync(await readFile(path), { level: 9 })
  sizes.set(name, bytes.length)
  await mkdir(dirname(join(packed, name)), { recursive: true })
  await writeFile(join(packed, `${name}.gz`), bytes)
}

const manifest = JSON.parse(await readFile(join(dist, '.vite/manifest.json'), 'utf8'))
const first = new Set()
const add = (key) => {
  const { file, imports = [] } = manifest[key] ?? fail(`${key} is not in the build`)
  if (first.has(file)) return
  first.add(file)
  imports.forEach(add)
}
;['index.html', 'src/shell/Shell.vue', 'src/screens/sign-in/SignIn.vue'].forEach(add)
const total = [...first].reduce((sum, file) => sum + sizes.get(file), 0)
const kb = (bytes) => `${(bytes / 1024).toFixed(1)} KB`
if (total > budget) {
  const largest = [...first].sort((a, b) => sizes.get(b) - sizes.get(a)).slice(0, 8).map((file) => `  ${kb(sizes.get(file))} ${file}`)
  fail(`the first load has ${kb(total)} of script, compressed; the budget is ${kb(budget)}\n${largest.join('\n')}`)
}
console.log(`the console's first load: ${kb(total)} of script, compressed; the budget is ${kb(budget)}`)

function fail(why) {
  console.error(why)
  process.exit(1)
}

// Packs the package, installs it into an empty project without a network, and uses it there: types, a run,
// bundles and their sizes. `npm run build` comes first.
import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, realpath, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

/** Most bytes that a bundle may have, minified and gzipped. */
const budgets = {
  'createRoster, etagOf and RosterError': [8000, "export { createRoster, etagOf, RosterError } from '@roster/client';"],
  'createClient and getUser': [6000, "export { createClient, getUser } from '@roster/client';"],
  'createClient, getUser and withPassword': [6500, "export { createClient, getUser, withPassword } from '@roster/client';"],
  'types and Role': [150, "export { Role } from '@roster/client';"],
};

/** How callers compile: a bundler for browsers, and Node without the DOM's types; both as strict as can be. */
const compilers = {
  browser: { module: 'esnext', moduleResolution: 'bundler', lib: ['ES2022', 'DOM', 'DOM.Iterable'], types: [] },
  node: { module: 'nodenext', lib: ['ES2022'], types: ['node'] },
};
const strict = {
  target: 'es2022',
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  verbatimModuleSyntax: true,
  isolatedModules: true,
  skipLibCheck: false,
};

const root = fileURLToPath(new URL('../..', import.meta.url));
const bin = (name) => join(root, 'node_modules/.bin', name);
const run = (command, args, cwd) => {
  try {
    return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    console.error(`${error.message}\n${error.stdout}${error.stderr}`);
    process.exit(1);
  }
};

const folder = await realpath(await mkdtemp(join(tmpdir(), 'roster-package-')));
process.on('exit', () => execFileSync(process.execPath, ['-e', 'fs.rmSync(process.argv[1], { recursive: true })', folder]));

const [packed] = JSON.parse(run('npm', ['pack', '--json', '--silent', '--pack-destination', folder], root));
const tarball = join(folder, packed.filename);
const strays = packed.files.map((f) => f.path).filter((path) => !/^(dist\/.*\.(js|d\.ts)|package\.json|README\.md|LICENSE)$/.test(path));
expect(strays.length === 0, `does not belong into the package: ${strays.join(', ')}`);
for (const needed of ['LICENSE', 'README.md', 'dist/index.js', 'dist/index.d.ts']) {
  expect(packed.files.some((f) => f.path === needed), `${needed} is not in the package`);
}
console.log(`packed: ${packed.files.length} files, ${packed.size} bytes`);

run(bin('publint'), ['run', tarball, '--strict'], root);
run(bin('attw'), [tarball, '--profile', 'esm-only'], root);
console.log('publint and attw: nothing to say');

const project = join(folder, 'project');
await mkdir(project);
await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'empty', private: true, type: 'module' }));
run('npm', ['install', '--offline', '--no-audit', '--no-fund', '--silent', tarball], project);
const { packages } = JSON.parse(await readFile(join(project, 'package-lock.json'), 'utf8'));
expect(Object.keys(packages).length === 2, 'the package has dependencies');
console.log('installed into an empty project, offline, alone');

await cp(new URL('consumer.ts', import.meta.url), join(project, 'consumer.ts'));
for (const [name, options] of Object.entries(compilers)) {
  const compilerOptions = { ...strict, ...options, outDir: `out-${name}`, typeRoots: [join(root, 'node_modules/@types')] };
  await writeFile(join(project, `${name}.json`), JSON.stringify({ compilerOptions, files: ['consumer.ts'] }));
  run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', `${name}.json`], project);
}
const said = run(process.execPath, ['out-node/consumer.js'], project);
expect(said === 'ok\n', `the consumer said: ${said}`);
console.log('a caller compiles for browsers and for Node, and runs');

for (const [name, [budget, entry]] of Object.entries(budgets)) {
  await writeFile(join(project, 'entry.js'), entry);
  const { output } = await build({
    root: project,
    configFile: false,
    logLevel: 'silent',
    build: { write: false, minify: true, target: 'es2022', modulePreload: false, rolldownOptions: { input: join(project, 'entry.js'), preserveEntrySignatures: 'strict' } },
  });
  const { code } = output.find((chunk) => chunk.type === 'chunk');
  const size = gzipSync(code, { level: 9 }).length;
  console.log(`${name}: ${size} bytes gzipped, ${code.length} plain`);
  expect(size <= budget, `that is more than ${budget} bytes`);
  expect(!code.includes('patch(') || !name.includes('getUser'), 'an operation that nobody uses is in the bundle');
  expect(!code.includes('/api/session') || name.includes('withPassword') || name.includes('createRoster'), 'signing in is in a bundle that does not use it');
  expect(!code.includes('getRandomValues') || name.includes('createRoster'), 'keys of creations are in a bundle that makes nothing');
}

function expect(holds, otherwise) {
  if (!holds) {
    console.error(otherwise);
    process.exit(1);
  }
}

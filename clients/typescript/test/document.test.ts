// The package and the document are of one mind.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient } from '@hey-api/openapi-ts';
import ts from 'typescript';
import { expect, it, onTestFinished } from 'vitest';

import settings from '../openapi-ts.config.js';
import * as generated from '../src/gen/sdk.gen.js';
import * as api from '../src/index.js';
import { compile } from './compile.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const document = await readFile(join(root, '../../openapi/openapi.yaml'), 'utf8');
const schemas = document
  .slice(document.indexOf('\n  schemas:\n'), document.indexOf('\n  securitySchemes:\n'))
  .match(/(?<=^ {4})\w+(?=:$)/gm);

async function read(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  return Object.fromEntries(
    await Promise.all(
      names.map(async (entry) => {
        const path = join(entry.parentPath, entry.name);
        return [relative(folder, path), await readFile(path, 'utf8')] as const;
      }),
    ),
  );
}

/** What the generator makes of a document. */
async function generate(text: string): Promise<Record<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'roster-gen-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'openapi.yaml'), text);
  const config = (await settings);
  await createClient({ ...config, input: join(folder, 'openapi.yaml'), output: { ...(config.output as object), path: join(folder, 'gen') }, logs: { level: 'silent', file: false } });
  return read(join(folder, 'gen'));
}

it('src/gen is what the generator makes of the document', async () => {
  expect(await generate(document)).toEqual(await read(join(root, 'src/gen')));
});

it('has every operation, as a method and as a function', () => {
  const roster = api.createRoster({ baseUrl: '/' });
  for (const name of Object.keys(generated)) {
    expect(roster, 'add it to src/roster.ts').toHaveProperty(name, expect.any(Function));
    expect(api, 'add it to src/index.ts').toHaveProperty(name, expect.any(Function));
  }
});

it('exports every schema by its name, and tests its type', async () => {
  const index = await readFile(join(root, 'src/index.ts'), 'utf8');
  const types = await readFile(join(root, 'test/types.ts'), 'utf8');
  expect(schemas).toContain('User');
  for (const name of schemas ?? []) {
    expect(types).toMatch(new RegExp(`\\bsame<\\s*${name},`));
    if (!name.startsWith('PaginatedResponse')) {
      expect(index).toMatch(new RegExp(`\\b${name},`));
    }
  }
});

it('documents every name that it exports by hand', () => {
  const path = join(root, 'src/index.ts');
  const program = ts.createProgram([path], { strict: true, target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext });
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(path);
  const module = file && checker.getSymbolAtLocation(file);
  const names = (module ? checker.getExportsOfModule(module) : []).flatMap((alias) => {
    const symbol = alias.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(alias) : alias;
    const own = symbol.declarations?.every((d) => !d.getSourceFile().fileName.includes('/gen/'));
    return own ? [[alias.name, ts.displayPartsToString(symbol.getDocumentationComment(checker))]] : [];
  });
  expect(names.length).toBeGreaterThan(15);
  expect(names.filter(([, comment]) => comment === '')).toEqual([]);
});

it('breaks the old use of a type that changes', async () => {
  const changes = [
    { schema: 'User', from: /(disabled:\n(?: {10}.*\n)* {10}type: )boolean/, to: '$1string', use: 'api.User) => value.disabled === false' },
    { schema: 'Role', from: / {8}- editor\n/, to: '', use: "api.User) => value.role === 'editor'" },
    { schema: 'Pagination', from: /(total:\n(?: {10}.*\n)* {10}type: )integer/, to: '$1string', use: 'api.Pagination): number => value.total' },
    { schema: 'UserCreate', from: /(required:\n(?: {8}.*\n)* {8}- password\n)/, to: '$1        - role\n', use: "unknown): api.UserCreate => ({ name: '', email: '', password: '' })" },
  ];
  const files: Record<string, string> = {};
  const source = await read(join(root, 'src'));
  for (const [i, { schema, from, to, use }] of changes.entries()) {
    const at = document.indexOf(`\n    ${schema}:\n`);
    const changed = document.slice(0, at) + document.slice(at).replace(from, to);
    expect(changed, schema).not.toBe(document);
    for (const [path, text] of Object.entries({ ...source, ...prefixed('gen/', await generate(changed)) })) {
      files[`changed${i}/src/${path}`] = text;
    }
    files[`changed${i}/test/types.ts`] = await readFile(join(root, 'test/types.ts'), 'utf8');
    files[`changed${i}/use.ts`] = `import type * as api from './src/index.js';\nexport const use = (value: ${use};\n`;
  }
  const said = compile(files);
  for (const [i, { schema }] of changes.entries()) {
    expect(said, schema).toContainEqual(expect.stringMatching(`^changed${i}/use.ts:2: `));
    expect(said, schema).toContainEqual(expect.stringMatching(`^changed${i}/test/types.ts:`));
  }
});

function prefixed(prefix: string, files: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([path, text]) => [prefix + path, text]));
}

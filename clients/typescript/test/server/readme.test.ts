// Every example in TypeScript of both READMEs, the package's and the project's, and those for Node of docs/frontends.md
// compile and run.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it, vi } from 'vitest';

import { createRoster, Scope, withPassword } from '../../src/index.js';
import { compile } from '../compile.js';
import { page } from './page.js';

const folder = fileURLToPath(new URL('.readme/', import.meta.url));
const readmes = ['../../README.md', '../../../../README.md', '../../../../docs/frontends.md'].map((path) => readFile(new URL(path, import.meta.url), 'utf8'));
const run = Math.random().toString(36).slice(2, 10);

const examples = [...(await Promise.all(readmes)).join('\n').matchAll(/^```ts\n(.*?)^```$/gms)].map(([, text = ''], i) => ({
  path: `${folder}${i}.ts`,
  text: text.replaceAll('http://localhost:8080', inject('baseUrl')).replaceAll('@example.org', `.${run}@example.org`),
}));

const admin = createRoster({ baseUrl: inject('baseUrl'), signIn: withPassword(() => inject('admin')) });
const person = { email: `ada.page.${run}@example.org`, password: 'correct horse battery' };
let doctor = '';

beforeAll(async () => {
  await mkdir(folder, { recursive: true });
  await admin.createUser({ name: 'Ada', ...person });
  doctor = (await admin.createUser({ ...person, name: `Dr. ${run}`, email: `doctor.${run}@example.org` })).id;
  const { secret } = await admin.createKey({ name: `readme ${run}`, scopes: Object.values(Scope) });
  // What the examples find around them.
  vi.stubEnv('ROSTER_KEY', secret);
  vi.stubEnv('ROSTER_EMAIL', inject('admin').email);
  vi.stubEnv('ROSTER_PASSWORD', inject('admin').password);
  Object.assign(globalThis, { askForPassword: () => person });
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => void vi.unstubAllGlobals());

describe('the examples', () => {
  it('are there', () => expect(examples.length).toBeGreaterThan(5));

  it('compile', () => {
    const files = Object.fromEntries(examples.map(({ text }, i) => [`test/server/.readme/${i}.ts`, text]));
    files['test/server/.readme/around.d.ts'] = 'declare function askForPassword(): Promise<{ email: string; password: string }>;';
    expect(compile(files, { types: ['node'] })).toEqual([]);
  });

  it.each(examples)('run: $path', async ({ path, text }) => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
    await writeFile(path, text);
    if (text.includes("baseUrl: '/'")) {
      page(inject('baseUrl'));
    }
    await import(path);
    for (const [, said] of text.matchAll(/console\.log\(.*?; \/\/ (.*)$/gm)) {
      expect(log.mock.calls.map((words) => words.join(' '))).toContain(said);
    }
    log.mockRestore();
  });

  it('of a service has renamed whom it should', async () => {
    expect(await admin.getUser(doctor)).toMatchObject({ name: run });
  });
});

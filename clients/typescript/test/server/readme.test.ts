// Every example in TypeScript of both READMEs, the package's and the project's, compiles and runs.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';

import { compile } from '../compile.js';

const folder = fileURLToPath(new URL('.readme/', import.meta.url));
const readmes = ['../../README.md', '../../../../README.md'].map((path) => readFile(new URL(path, import.meta.url), 'utf8'));
const run = Math.random().toString(36).slice(2, 10);

const examples = [...(await Promise.all(readmes)).join('\n').matchAll(/^```ts\n(.*?)^```$/gms)].map(([, text = ''], i) => ({
  path: `${folder}${i}.ts`,
  text: text.replaceAll('http://localhost:8080', inject('baseUrl')).replaceAll('@example.org', `.${run}@example.org`),
}));

beforeAll(() => mkdir(folder, { recursive: true }));
afterAll(() => rm(folder, { recursive: true }));

describe('the examples', () => {
  it('are there', () => expect(examples.length).toBeGreaterThan(5));

  it('compile', () => {
    const files = Object.fromEntries(examples.map(({ text }, i) => [`test/server/.readme/${i}.ts`, text]));
    expect(compile(files, { types: ['node'] })).toEqual([]);
  });

  it.each(examples)('run: $path', async ({ path, text }) => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
    await writeFile(path, text);
    await import(path);
    for (const [, said] of text.matchAll(/console\.log\(.*?; \/\/ (.*)$/gm)) {
      expect(log.mock.calls.map((words) => words.join(' '))).toContain(said);
    }
    log.mockRestore();
  });
});

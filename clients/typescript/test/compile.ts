import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Compiles texts as files of this folder, by its own settings, and gives what the compiler says.
 * `paths` are relative to the package; `@roster/client` is its source.
 */
export function compile(files: Record<string, string>, more: ts.CompilerOptions = {}): string[] {
  const settings = ts.getParsedCommandLineOfConfigFile(`${root}test/tsconfig.json`, undefined, {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: (d) => {
      throw new Error(say(d));
    },
  });
  const options: ts.CompilerOptions = { ...settings?.options, types: [], paths: { '@roster/client': [`${root}src/index.ts`] }, ...more };
  const texts = new Map(Object.entries(files).map(([path, text]) => [root + path, text]));
  const host = ts.createCompilerHost(options);
  const disk = { ...host };
  host.fileExists = (path) => texts.has(path) || disk.fileExists(path);
  host.readFile = (path) => texts.get(path) ?? disk.readFile(path);
  // Folders of texts alone exist nowhere else.
  host.directoryExists = (path) => [...texts.keys()].some((text) => text.startsWith(`${path}/`)) || disk.directoryExists?.(path) === true;
  const program = ts.createProgram({ rootNames: [...texts.keys()], options, host });
  return ts.getPreEmitDiagnostics(program).map(say);
}

function say(d: ts.Diagnostic): string {
  const line = d.file && d.start !== undefined ? `${d.file.fileName.slice(root.length)}:${d.file.getLineAndCharacterOfPosition(d.start).line + 1}: ` : '';
  return line + ts.flattenDiagnosticMessageText(d.messageText, '\n');
}

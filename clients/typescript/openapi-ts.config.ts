import { defineConfig } from '@hey-api/openapi-ts';

// src/gen is wholly generated: `npm run generate` after each change of the document.
export default defineConfig({
  input: '../../openapi/openapi.yaml',
  output: { path: 'src/gen', module: { extension: '.js' } },
  plugins: [
    // Names of constants are the words of the contract: Role.admin, UserSort['-name'].
    { name: '@hey-api/typescript', enums: { mode: 'javascript', case: 'preserve' } },
    // No client of its own: every call names the one it goes through.
    { name: '@hey-api/sdk', client: false },
    '@hey-api/client-fetch',
  ],
});

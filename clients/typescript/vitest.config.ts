import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const alias = { '@roster/client': fileURLToPath(new URL('src/index.ts', import.meta.url)) };

export default defineConfig({
  test: {
    projects: [
      { resolve: { alias }, test: { name: 'unit', include: ['test/*.test.ts'], testTimeout: 120_000 } },
      {
        resolve: { alias },
        test: { name: 'server', include: ['test/server/*.test.ts'], globalSetup: 'test/server/setup.ts', testTimeout: 30_000, hookTimeout: 120_000 },
      },
    ],
  },
});

import vue from '@vitejs/plugin-vue'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))

// What the console decides by itself. What it shows, and how that is used, tests/browser looks at.
export default defineConfig({
  plugins: [vue()], // without Nuxt UI: test/render.ts stands in for the few parts that are met
  resolve: { alias: { '@roster/client': at('../typescript/src/index.ts'), '@': at('src') } },
  test: { include: ['test/*.test.ts'] },
})

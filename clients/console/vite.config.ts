import ui from '@nuxt/ui/vite'
import vue from '@vitejs/plugin-vue'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [
    vue(),
    ui({
      router: true,
      colorMode: false, // theme.ts does it, without a <style> for each switch
      autoImport: false, // imports say where things are from; components (U...) need none
      components: { dts: 'types/components.d.ts' }, // for vue-tsc; written by each build
      icon: { clientBundle: { scan: { globInclude: ['src/**/*.{vue,ts}'] } } }, // else the page would ask others for them
      experimental: { componentDetection: true }, // styles of what is used only
      ui: {
        colors: { primary: 'blue', neutral: 'zinc' },
        // Nuxt UI's own hover, at 75 %, is too light for the white on it (WCAG AA).
        button: {
          compoundVariants: [
            { color: 'primary', variant: 'solid', class: 'hover:bg-primary/90 active:bg-primary/90' },
            { color: 'error', variant: 'solid', class: 'hover:bg-error/90 active:bg-error/90' },
          ],
        },
      },
      theme: { colors: ['primary', 'success', 'warning', 'error', 'info'] },
    }),
  ],
  resolve: { alias: { '@': fileURLToPath(new URL('src', import.meta.url)) } },
  build: {
    target: 'es2022',
    manifest: true, // pack.js measures the first load by it
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0, // the policy allows no data: addresses
  },
  // make dev serves the API there.
  server: { proxy: Object.fromEntries(['/api', '/docs', '/openapi', '/ready'].map((path) => [path, process.env['ROSTER_URL'] ?? 'http://localhost:8080'])) },
})

export default defineNuxtConfig({
  compatibilityDate: '2026-01-01',
  telemetry: false,
  devtools: { enabled: false },
  css: ['~/assets/main.css'],

  // Where Roster is, as this server reaches it; NUXT_ROSTER_URL sets it at the start. No page gets to know it.
  runtimeConfig: { rosterUrl: 'http://localhost:8080' },

  app: {
    head: {
      htmlAttrs: { lang: 'en' },
      titleTemplate: '%s · People',
      link: [{ rel: 'icon', type: 'image/svg+xml', href: '/icon.svg' }],
    },
  },

  routeRules: {
    '/': { redirect: '/users' },
    '/**': { headers: { 'X-Frame-Options': 'DENY', 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'same-origin' } },
  },

  typescript: { strict: true, tsConfig: { compilerOptions: { noUncheckedIndexedAccess: true } } },
})

// Before the first paint, so that no dark page flashes up light. src/theme.ts changes it later.
(() => {
  const chosen = localStorage.getItem('roster-theme')
  const dark = chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.classList.toggle('dark', dark)
})()

// Light, dark, or as the system has it. public/theme.js does the same before the first paint.

import { ref, watch } from 'vue'

export const themes = ['system', 'light', 'dark'] as const
export type Theme = (typeof themes)[number]

const key = 'roster-theme'
const system = matchMedia('(prefers-color-scheme: dark)')

export const theme = ref<Theme>(themes.find((name) => name === localStorage.getItem(key)) ?? 'system')

/** Whether the page is dark now: charts draw their colours themselves. */
export const isDark = ref(document.documentElement.classList.contains('dark'))

function apply(): void {
  isDark.value = theme.value === 'dark' || (theme.value === 'system' && system.matches)
  document.documentElement.classList.toggle('dark', isDark.value)
}

watch(theme, (now) => {
  if (now === 'system') localStorage.removeItem(key)
  else localStorage.setItem(key, now)
  apply()
})
system.addEventListener('change', apply)
// Another tab has chosen.
addEventListener('storage', (event) => {
  if (event.key === key) theme.value = themes.find((name) => name === event.newValue) ?? 'system'
})

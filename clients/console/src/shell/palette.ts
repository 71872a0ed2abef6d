import { ref } from 'vue'

/** Whether the command palette is open. */
export const paletteOpen = ref(false)

export function openPalette(): void {
  paletteOpen.value = true
}

/** Goes to the screen's search field, or to the palette where there is none. */
export function focusSearch(): void {
  const field = document.querySelector<HTMLInputElement>('input[data-search], [data-search] input')
  if (field) field.focus()
  else openPalette()
}

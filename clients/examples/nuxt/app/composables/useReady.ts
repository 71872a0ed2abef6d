/**
 * Whether the page's own script runs. Until then a form is disabled: the script would empty what is typed earlier,
 * and what is sent earlier would be the browser's to send.
 */
export function useReady() {
  const ready = ref(false)
  onMounted(() => (ready.value = true))
  return ready
}

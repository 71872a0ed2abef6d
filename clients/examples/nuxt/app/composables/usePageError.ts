import type { NuxtError } from '#app'

/** Shows what a page's data failed with. Whose session has ended signs in, and comes back. */
export function usePageError(error: Ref<NuxtError | undefined>) {
  const me = useMe()
  const route = useRoute()
  watch(error, async (now) => {
    if (!now) return
    if (now.status !== 401) return showError(now)
    me.value = null
    await navigateTo({ path: '/sign-in', query: { next: route.fullPath } })
  }, { immediate: true })
}

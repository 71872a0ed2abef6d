import { isUnauthenticated } from '@roster/client'

// Who is not signed in gets to the sign-in page, and from there to where they wanted to go.
export default defineNuxtRouteMiddleware(async (to) => {
  const me = useMe()
  if (import.meta.server) {
    useResponseHeader('Cache-Control').value = 'private, no-store' // each page is somebody's
    me.value = await useRoster().getSession().catch((error: unknown) => (isUnauthenticated(error) ? null : failPage(error)))
  }
  if (!me.value && to.path !== '/sign-in') return navigateTo({ path: '/sign-in', query: { next: to.fullPath } })
})

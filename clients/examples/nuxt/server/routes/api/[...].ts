// Roster's API under this app's own address: the cookie is of this origin, and no CORS is needed. What the browser says
// of a request's origin is passed on, so that Roster refuses what other sites send.
export default defineEventHandler((event) => {
  const { rosterUrl } = useRuntimeConfig(event)
  const target = new URL(event.path, rosterUrl)
  if (!target.pathname.startsWith('/api/')) throw createError({ status: 404 }) // by way of ..
  return proxyRequest(event, target.href, { headers: visitorHeaders(event), fetchOptions: { redirect: 'manual' } })
})

import type { Permission } from '@roster/client'
import { shallowRef } from 'vue'
import { createRouter, createWebHistory, type RouteLocationNormalized, type RouteRecordRaw } from 'vue-router'
import { load } from './session'
import { texts } from './texts'

declare module 'vue-router' {
  interface RouteMeta {
    /** Stands in the window's title. */
    title: string
    /** Anyone may see it, signed in or not; it has no navigation around it. */
    open?: boolean
    /** Without it the person is told that they may not. */
    needs?: Permission
  }
}

// The server answers these paths, and no others: a new one must stand in internal/server/console, too.
const routes: RouteRecordRaw[] = [
  { path: '/sign-in', name: 'sign-in', component: () => import('./screens/sign-in/SignIn.vue'), meta: { title: texts.signIn.title, open: true } },
  { path: '/choose-password', name: 'choose-password', component: () => import('./screens/choose-password/ChoosePassword.vue'), meta: { title: texts.choosePassword.title, open: true } },
  { path: '/', name: 'dashboard', component: () => import('./screens/dashboard/Dashboard.vue'), meta: { title: texts.dashboard.title, needs: 'stats:read' } },
  { path: '/users', name: 'users', component: () => import('./screens/users/UserList.vue'), meta: { title: texts.users.title, needs: 'users:read' } },
  { path: '/users/new', name: 'user-new', component: () => import('./screens/user-new/UserNew.vue'), meta: { title: texts.userNew.title, needs: 'users:write' } },
  { path: '/users/:id', name: 'user', component: () => import('./screens/user/UserDetail.vue'), meta: { title: texts.user.title, needs: 'users:read' } },
  { path: '/keys', name: 'keys', component: () => import('./screens/keys/Keys.vue'), meta: { title: texts.keys.title, needs: 'keys:own' } },
  { path: '/sessions', name: 'sessions', component: () => import('./screens/sessions/Sessions.vue'), meta: { title: texts.sessions.title, needs: 'profile' } },
  { path: '/audit', name: 'audit', component: () => import('./screens/audit/Audit.vue'), meta: { title: texts.audit.title, needs: 'audit:read' } },
  { path: '/settings', name: 'settings', component: () => import('./screens/settings/Settings.vue'), meta: { title: texts.settings.title, needs: 'profile' } },
  { path: '/:path(.*)*', name: 'nowhere', component: () => import('./screens/Nowhere.vue'), meta: { title: texts.nowhere.title } },
]

export const router = createRouter({
  history: createWebHistory(),
  routes,
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- what replaces it is experimental
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
})

/** Why nothing can be shown yet: the server could not say who is signed in. */
export const startError = shallowRef<{ error: unknown; to: string }>()

router.beforeEach(async (to) => {
  if (to.meta.open) return true
  fetchAhead(to)
  try {
    startError.value = undefined
    // The sign-in page leads back to where one wanted to go.
    return (await load()) || { name: 'sign-in', query: to.fullPath === '/' ? {} : { next: to.fullPath } }
  } catch (error) {
    startError.value = { error, to: to.fullPath }
    return false
  }
})

/** Has what the screen is made of come while the server is asked who is signed in, rather than one after the other. */
function fetchAhead({ matched }: RouteLocationNormalized): void {
  const ignore = () => undefined // whoever needs it asks again, and sees the failure
  for (const { components } of matched) {
    const load: unknown = components?.['default']
    if (typeof load === 'function') (load as () => Promise<unknown>)().catch(ignore)
  }
  import('./shell/Shell.vue').catch(ignore)
}

router.afterEach((to) => {
  document.title = `${to.meta.title} · Roster`
})

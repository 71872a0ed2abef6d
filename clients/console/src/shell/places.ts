import type { Permission } from '@roster/client'
import type { RouteLocationRaw } from 'vue-router'
import { can } from '@/session'
import { texts } from '@/texts'

/** Where the navigation and the command palette lead. */
export interface Place {
  label: string
  icon: string
  to: RouteLocationRaw
  needs: Permission
}

const places: readonly Place[] = [
  { label: texts.dashboard.title, icon: 'i-lucide-layout-dashboard', to: { name: 'dashboard' }, needs: 'stats:read' },
  { label: texts.users.title, icon: 'i-lucide-users', to: { name: 'users' }, needs: 'users:read' },
  { label: texts.keys.title, icon: 'i-lucide-key-round', to: { name: 'keys' }, needs: 'keys:own' },
  { label: texts.sessions.title, icon: 'i-lucide-monitor-smartphone', to: { name: 'sessions' }, needs: 'profile' },
  { label: texts.audit.title, icon: 'i-lucide-scroll-text', to: { name: 'audit' }, needs: 'audit:read' },
  { label: texts.settings.title, icon: 'i-lucide-settings', to: { name: 'settings' }, needs: 'profile' },
]

/** Gives the places that the person who is signed in may see. */
export function myPlaces(): Place[] {
  return places.filter(({ needs }) => can(needs))
}

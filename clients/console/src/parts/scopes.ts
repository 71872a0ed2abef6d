// What a key may do, as one chooses it.

import { Role, Scope } from '@roster/client'
import { can } from '@/session'

/** The scopes, by what they are about. */
export const scopeGroups: readonly { name: 'users' | 'access' | 'insight'; scopes: readonly Scope[] }[] = [
  { name: 'users', scopes: [Scope['users:read'], Scope['users:write'], Scope['users:admin'], Scope['users:delete']] },
  { name: 'access', scopes: [Scope['passwords:reset'], Scope['sessions:admin']] },
  { name: 'insight', scopes: [Scope['stats:read'], Scope['audit:read']] },
]

const viewer: readonly Scope[] = [Scope['users:read'], Scope['stats:read']]

/** What each role may do, as far as a key may, for choosing it at once. The server judges by its own table. */
const scopesOf: Record<Role, readonly Scope[]> = {
  viewer,
  editor: [...viewer, Scope['users:write']],
  admin: Object.values(Scope),
}

/** The scopes that the person who is signed in may give: a key is never wider than its owner. */
export function myScopes(): Scope[] {
  return Object.values(Scope).filter((scope) => can(scope))
}

/** The roles all of whose scopes the person may give, the least powerful first, with these scopes. */
export function myShortcuts(): { role: Role; scopes: readonly Scope[] }[] {
  const mine = myScopes()
  return [Role.viewer, Role.editor, Role.admin]
    .map((role) => ({ role, scopes: scopesOf[role] }))
    .filter(({ scopes }) => scopes.every((scope) => mine.includes(scope)))
}

// What one may do with a user. The server judges by the same rules (internal/api/users/access.go).

import { Role, type User } from '@roster/client'
import { can, me } from '@/session'

type Named = Pick<User, 'id' | 'role'>

export function isMe(user: Pick<User, 'id'>): boolean {
  return user.id === me.value.userId
}

/** Whether somebody's power allows to change, reset or delete this user: admins are for admins. */
function within(user: Named): boolean {
  return user.role !== Role.admin || can('users:admin')
}

/** Whether one may change the name: anyone their own. */
export function mayName(user: Named): boolean {
  return isMe(user) ? can('profile') : can('users:write') && within(user)
}

export function mayEmail(user: Named): boolean {
  return can('users:write') && (isMe(user) || within(user))
}

/** The roles that one may give the user; none: the role is not one's to change. Nobody changes their own. */
export function rolesFor(user: Named): Role[] {
  if (isMe(user) || !can('users:write') || !within(user)) return []
  return Object.values(Role).filter((role) => role !== Role.admin || can('users:admin'))
}

export function mayDisable(): boolean {
  return can('users:admin')
}

export function mayReset(user: Named): boolean {
  return can('passwords:reset') && within(user)
}

export function mayDelete(user: Named): boolean {
  return can('users:delete') && within(user)
}

export function maySeeSessions(user: Named): boolean {
  return isMe(user) || can('sessions:admin')
}

export function maySeeKeys(user: Named): boolean {
  return isMe(user) ? can('keys:own') : can('keys:admin')
}

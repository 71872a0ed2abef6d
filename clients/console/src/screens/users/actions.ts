// What can be done to many users at once.

import type { Role, User } from '@roster/client'
import { roster } from '@/api'
import { gone } from '@/parts/gone'
import { texts } from '@/texts'

const t = texts.users.acts

export type Action = { kind: 'disable' | 'enable' | 'delete' } | { kind: 'role'; role: Role }

/** Names an action on n users. */
export function titleOf(action: Action, n: number): string {
  return action.kind === 'role' ? t.role(n, texts.roles[action.role]) : t[action.kind](n)
}

/** Does it to one user. */
export async function act(action: Action, { id }: User): Promise<unknown> {
  switch (action.kind) {
    case 'disable':
    case 'enable':
      return roster.updateUser(id, { disabled: action.kind === 'disable' })
    case 'role':
      return roster.updateUser(id, { role: action.role })
    case 'delete':
      return gone(roster.deleteUser(id)) // a first try may have done it, whose answer was lost
  }
}

/** Whether somebody to whom it is done is signed out by it. */
export function signsOut({ kind }: Action): boolean {
  return kind === 'disable' || kind === 'delete'
}

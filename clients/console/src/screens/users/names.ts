import type { User } from '@roster/client'
import { texts } from '@/texts'

const most = 5

/** Gives some names, and how many others there are: "Ada, Grace and 3 others." */
export function namesOf(users: readonly User[]): string {
  const shown = users.length === most + 1 ? most - 1 : most // not "and 1 other" for want of room
  return texts.users.names(users.slice(0, shown).map(({ name }) => name), Math.max(users.length - shown, 0))
}

// What is typed over a version of a user, and what becomes of it when another version comes.

import { etagOf, RosterError, type AuditEntry, type User, type UserUpdate } from '@roster/client'
import { computed, reactive, shallowRef } from 'vue'
import { roster } from '@/api'
import { can } from '@/session'

export const fields = ['name', 'email', 'role'] as const
export type Field = (typeof fields)[number]
export type Typed = Pick<User, Field>

/** Somebody else has written between reading and saving. */
export interface Conflict {
  /** What was there when typing began. */
  before: User
  /** What is there now. */
  theirs: User
  /** What they did, if one may know. */
  entry?: AuditEntry | undefined
}

export function useProfile(first: User) {
  /** The version that was typed over; its ETag goes with a save. */
  const base = shallowRef(first)
  const typed = reactive<Typed>(pick(first))
  /** Is to be decided. */
  const conflict = shallowRef<Conflict>()
  /** Stands beside the form, once it was decided to go on with both in view. */
  const beside = shallowRef<Conflict>()
  const changed = computed(() => fields.filter((field) => typed[field] !== base.value[field]))

  function follow(now: User, which: readonly Field[]): void {
    base.value = now
    for (const field of which) Object.assign(typed, { [field]: now[field] })
  }

  /** A version was read, or written by another part of this page. What was typed stays. */
  function read(now: User): void {
    if (changed.value.length === 0) follow(now, fields)
    else if (fields.every((field) => now[field] === base.value[field])) base.value = now
    // Else saving finds the conflict.
  }

  /** Types over another version from now on. Fields that were left alone follow it. */
  function rebase(now: User): void {
    const left = fields.filter((field) => !changed.value.includes(field))
    follow(now, left)
    conflict.value = undefined
  }

  /** Lets go of what was typed. */
  function take(now: User): void {
    follow(now, fields)
    conflict.value = beside.value = undefined
  }

  /** Sends what was changed, if the user is still as it was. Else it fails, and there is a conflict. */
  async function save(): Promise<User> {
    if (changed.value.length === 0) return base.value
    const sent = pick(typed)
    const body: UserUpdate = Object.fromEntries(changed.value.map((field) => [field, sent[field]]))
    try {
      const now = await roster.updateUser(base.value.id, body, { ifMatch: etagOf(base.value) })
      follow(now, fields.filter((field) => typed[field] === sent[field])) // not what was typed since
      beside.value = undefined
      return now
    } catch (error) {
      if (!isConflict(error)) throw error
      const theirs = await roster.getUser(base.value.id)
      if (changed.value.every((field) => typed[field] === theirs[field])) {
        take(theirs) // they have written the same
        return theirs
      }
      conflict.value = { before: base.value, theirs, entry: await lastChange(theirs.id) }
      throw error
    }
  }

  return { typed, changed, conflict, beside, read, rebase, take, save, base }
}

export function isConflict(error: unknown): boolean {
  return error instanceof RosterError && error.code === 'precondition_failed'
}

export function isGone(error: unknown): boolean {
  return error instanceof RosterError && error.code === 'not_found'
}

/** A courtesy: without it the conflict is decided as well. */
async function lastChange(id: string): Promise<AuditEntry | undefined> {
  if (!can('audit:read')) return undefined
  try {
    return (await roster.listAudit({ target: 'user', targetId: id, limit: 1 })).data[0]
  } catch {
    return undefined
  }
}

function pick({ name, email, role }: Typed): Typed {
  return { name, email, role }
}

import type { ListAuditParams } from '@roster/client'
import type { LocationQuery } from 'vue-router'

/** What the audit log can be filtered by. */
export type Filter = Omit<ListAuditParams, 'page' | 'limit' | 'cursor'>

const names = ['actorId', 'operation', 'target', 'targetId', 'from', 'to'] as const satisfies readonly (keyof Filter)[]

/** Reads the filter out of a URL. Whether it makes sense is for the server to say. */
export function filterOf(query: LocationQuery): Filter {
  const filter: Filter = {}
  for (const name of names) {
    const value = query[name]
    if (typeof value === 'string' && value !== '') filter[name] = value
  }
  return filter
}

/** Gives a time of the API as an input of type datetime-local takes it: in the viewer's zone, to the minute. */
export function toLocal(at: string | undefined): string {
  const time = new Date(at ?? '')
  if (Number.isNaN(time.getTime())) return ''
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}

/** Gives what was typed there as a time of the API. */
export function fromLocal(typed: string): string | undefined {
  const time = new Date(typed)
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString()
}

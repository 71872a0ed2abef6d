// What an entry of the audit log says, in words.

import type { AuditEntry } from '@roster/client'
import { texts } from '@/texts'

const t = texts.audit

/** The columns of the log, for its head and its rows. */
export const auditGrid = 'lg:grid-cols-[8.5rem_minmax(0,1.1fr)_minmax(0,1.4fr)_minmax(0,1fr)_8rem_1.25rem] lg:gap-x-4'

/** Says what was done, such as "Created a user". What has no words yet is named as the API does. */
export function did(operation: string): string {
  return wordOf(t.did, operation) ?? operation
}

/** Says what an entry's field is. */
export function fieldWords(name: string): string {
  return wordOf(t.fields, name) ?? name
}

/** The fields that an entry tells of, those that were there before first. */
export function fieldsOf({ before, after }: AuditEntry): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
}

/** Whether something was changed that was there before and after. */
export function isChange({ before, after }: AuditEntry): boolean {
  return Object.keys(before).some((name) => name in after)
}

/** A text of what an entry holds, if it is one. */
export function textOf(entry: AuditEntry, name: string): string | undefined {
  const value = entry.after[name] ?? entry.before[name]
  return typeof value === 'string' ? value : undefined
}

/** Gives a field's value in words. */
export function valueWords(field: string, value: unknown): string {
  if (value === null || value === undefined) return field.endsWith('At') ? texts.common.never : t.nothing
  if (typeof value === 'boolean') return value ? t.yes : t.no
  if (Array.isArray(value)) return value.map((one) => valueWords(field, one)).join(', ') || t.nothing
  if (field === 'scopes' && typeof value === 'string') return Object.entries(texts.keys.scopes).find(([scope]) => scope === value)?.[1].name ?? value
  if (field === 'role' && typeof value === 'string') return wordOf(texts.roles, value) ?? value
  if (field === 'overlapSeconds' && typeof value === 'number') return t.seconds(value)
  if (typeof value === 'number') return value.toLocaleString()
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Whether a field's value is a time. */
export function isTime(field: string, value: unknown): value is string {
  return field.endsWith('At') && typeof value === 'string'
}

function wordOf(words: Record<string, string>, name: string): string | undefined {
  return Object.hasOwn(words, name) ? words[name] : undefined
}

import type { AuditEntry } from '@roster/client'
import { expect, it } from 'vitest'
import { did, fieldsOf, fieldWords, isChange, isTime, valueWords } from '@/parts/auditWords'

const entry = (before: AuditEntry['before'], after: AuditEntry['after']) => ({ before, after }) as AuditEntry

it('has words for what is done, and the API’s own for what is newer', () => {
  expect(did('deleteUser')).toBe('Deleted a user')
  expect(did('teleportUser')).toBe('teleportUser')
  expect(did('toString')).toBe('toString') // no word of the language's own
  expect(fieldWords('expiresAt')).toBe('Ends')
  expect(fieldWords('constructor')).toBe('constructor')
})

it('tells a change from what was made or deleted', () => {
  expect(isChange(entry({ name: 'A' }, { name: 'B' }))).toBe(true)
  expect(isChange(entry({}, { name: 'B' }))).toBe(false)
  expect(isChange(entry({ name: 'A' }, {}))).toBe(false)
  expect(fieldsOf(entry({ name: 'A', role: 'viewer' }, { role: 'editor', email: 'e' }))).toEqual(['name', 'role', 'email'])
})

it('says values as people do', () => {
  for (const [field, value, words] of [
    ['disabled', true, 'yes'],
    ['role', 'admin', 'Admin'],
    ['role', 'owner', 'owner'],
    ['scopes', ['users:read', 'stats:read'], 'Read users, Read statistics'],
    ['scopes', [], 'nothing'],
    ['expiresAt', null, 'never'],
    ['name', null, 'nothing'],
    ['overlapSeconds', 86_400, '1 day'],
    ['overlapSeconds', 90, '90 seconds'],
    ['other', { a: 1 }, '{"a":1}'],
  ] as const) {
    expect(valueWords(field, value), `${field} ${JSON.stringify(value)}`).toBe(words)
  }
  expect(isTime('createdAt', '2026-03-14T09:26:53Z')).toBe(true)
  expect(isTime('createdAt', null)).toBe(false)
})

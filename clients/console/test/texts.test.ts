import { expect, it } from 'vitest'
import { count, texts } from '@/texts'

it('counts one thing and many', () => {
  expect(count(1, 'user')).toBe('1 user')
  expect(count(0, 'user')).toBe('0 users')
  expect(count(2, 'entry', 'entries')).toBe('2 entries')
  expect(count(1234, 'user')).toBe(`${(1234).toLocaleString()} users`)
})

it('is never empty', () => {
  const empty: string[] = []
  const look = (part: unknown, at: string): void => {
    if (typeof part === 'string' && part.trim() === '') empty.push(at)
    if (typeof part === 'object' && part !== null) for (const [name, more] of Object.entries(part)) look(more, `${at}.${name}`)
  }
  look(texts, 'texts')
  expect(empty).toEqual([])
})

import { describe, expect, it } from 'vitest'
import { exactTime, nearTime } from '@/times'

// In the language of whoever runs this, as the page is in its reader's.
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' })
const now = Date.parse('2026-03-14T09:26:53Z')
const near = (seconds: number) => nearTime(new Date(now + seconds * 1000).toISOString(), now)

describe('nearTime', () => {
  it('counts in the largest unit that is whole', () => {
    expect(near(-90)).toBe(relative.format(-1, 'minute'))
    expect(near(-59 * 60)).toBe(relative.format(-59, 'minute'))
    expect(near(-3600)).toBe(relative.format(-1, 'hour'))
    expect(near(-23 * 3600)).toBe(relative.format(-23, 'hour'))
    expect(near(-86_400)).toBe(relative.format(-1, 'day'))
    expect(near(3 * 86_400)).toBe(relative.format(3, 'day'))
  })

  it('counts no seconds: within a minute it is now', () => {
    for (const seconds of [-59, -1, 0, 1, 59]) expect(near(seconds)).toBe(relative.format(0, 'second'))
  })

  it('names the day of what is over a week away', () => {
    expect(near(-7 * 86_400)).toBe(relative.format(-7, 'day'))
    for (const seconds of [-8 * 86_400, 400 * 86_400]) {
      expect(near(seconds)).toContain(String(new Date(now + seconds * 1000).getFullYear()))
    }
  })
})

describe('exactTime', () => {
  it('has seconds, the year and the zone', () => {
    const text = exactTime('2026-03-14T09:26:53.589793Z')
    expect(text).toContain('53')
    expect(text).toContain('2026')
  })
})

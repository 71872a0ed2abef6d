import { describe, expect, it } from 'vitest'
import { longDay, mostOf, rangeOf, share, shortDay, totalOf } from '@/screens/dashboard/days'

const days = [
  { day: '2026-03-12', signUps: 2, signIns: 0, signInFailures: 0 },
  { day: '2026-03-13', signUps: 5, signIns: 0, signInFailures: 1 },
  { day: '2026-03-14', signUps: 5, signIns: 0, signInFailures: 0 },
]

it('takes from the URL what there is, and else 30 days', () => {
  for (const [word, range] of [['90', 90], ['365', 365], ['30', 30], ['7', 30], ['', 30], [undefined, 30], [['90', '30'], 30], ['90 ', 30]] as const) {
    expect(rangeOf(word)).toBe(range)
  }
})

it('adds up', () => {
  expect(totalOf(days, 'signUps')).toBe(12)
  expect(totalOf([], 'signUps')).toBe(0)
})

it('finds the latest of the days with most, and none where there was nothing', () => {
  expect(mostOf(days, 'signUps')?.day).toBe('2026-03-14')
  expect(mostOf(days, 'signInFailures')?.day).toBe('2026-03-13')
  expect(mostOf(days, 'signIns')).toBeUndefined()
})

describe('a day', () => {
  it('is that of UTC, wherever its reader is', () => {
    expect(shortDay('2026-03-01')).toBe(new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric', timeZone: 'UTC' }).format(Date.UTC(2026, 2, 1)))
    expect(shortDay('2026-03-01')).toContain('1')
    expect(longDay('2026-12-31')).toContain('2026')
  })
})

describe('a share', () => {
  const percent = (n: number) => n.toLocaleString(undefined, { style: 'percent' })

  it('is nothing or all only where it is', () => {
    expect(share(0, 10)).toBe(percent(0))
    expect(share(0, 0)).toBe(percent(0))
    expect(share(10, 10)).toBe(percent(1))
    expect(share(1, 1_000_000)).toBe(`<${percent(0.01)}`)
    expect(share(999_999, 1_000_000)).toBe(percent(0.99))
    expect(share(1, 3)).toBe(percent(0.33))
  })
})

// What is made of the days of getStats, which are those of UTC.

import type { DayCounts } from '@roster/client'

/** How many days can be shown. */
export const ranges = [30, 90, 365] as const
export type Range = (typeof ranges)[number]

/** What is counted on a day. */
export type Counted = Exclude<keyof DayCounts, 'day'>

const short = new Intl.DateTimeFormat(undefined, { timeZone: 'UTC', month: 'short', day: 'numeric' })
const long = new Intl.DateTimeFormat(undefined, { timeZone: 'UTC', dateStyle: 'full' })

/** Reads how many days the URL wants; what it cannot want is 30. */
export function rangeOf(word: unknown): Range {
  return ranges.find((days) => String(days) === word) ?? 30
}

export function shortDay(day: string): string {
  return short.format(new Date(`${day}T00:00:00Z`))
}

export function longDay(day: string): string {
  return long.format(new Date(`${day}T00:00:00Z`))
}

export function totalOf(days: readonly DayCounts[], what: Counted): number {
  return days.reduce((sum, day) => sum + day[what], 0)
}

/** Gives the day with the most, the latest of several; undefined if there was nothing. */
export function mostOf(days: readonly DayCounts[], what: Counted): DayCounts | undefined {
  return days.reduce<DayCounts | undefined>((most, day) => (day[what] > 0 && day[what] >= (most?.[what] ?? 0) ? day : most), undefined)
}

/** Gives a part of a whole as "12 %" is written here; what is little and not nothing is "<1 %". */
export function share(part: number, whole: number): string {
  const format = (value: number) => value.toLocaleString(undefined, { style: 'percent', maximumFractionDigits: 0 })
  if (part === 0 || whole === 0) return format(0)
  if (part === whole) return format(1)
  if (part / whole < 0.01) return `<${format(0.01)}`
  return format(Math.min(part / whole, 0.99))
}

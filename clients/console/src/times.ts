// Times as people read them, in the viewer's zone.

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' })
const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' })
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' })

const units: [Intl.RelativeTimeFormatUnit, number][] = [['day', 86_400], ['hour', 3_600], ['minute', 60]]

/** Gives a time in full, with seconds and the zone. */
export function exactTime(at: string): string {
  return exact.format(new Date(at))
}

/** Gives a time as it lies from now, or as a day if that is over a week away. */
export function nearTime(at: string, now = Date.now()): string {
  const seconds = (new Date(at).getTime() - now) / 1000
  if (Math.abs(seconds) > 7 * 86_400) return day.format(new Date(at))
  const [unit, length] = units.find(([, length]) => Math.abs(seconds) >= length) ?? ['second', 1]
  return unit === 'second' ? relative.format(0, 'second') : relative.format(Math.round(seconds / length), unit)
}

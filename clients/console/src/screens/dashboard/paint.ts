// The theme's colours, for a canvas, which knows no words of the theme.

const words = {
  primary: 'var(--ui-primary)',
  primaryFaint: 'color-mix(in srgb, var(--ui-primary) 12%, transparent)',
  success: 'var(--ui-success)',
  error: 'var(--ui-error)',
  neutral: 'var(--ui-text-dimmed)',
  text: 'var(--ui-text-muted)',
  line: 'var(--ui-border)',
  ground: 'var(--ui-bg)',
  tooltip: 'var(--ui-bg-inverted)',
  tooltipText: 'var(--ui-text-inverted)',
} as const

export type Colour = keyof typeof words
export type Paint = Record<Colour, string>

/** Gives the theme's colours as they are now; the element lends its style to work them out. */
export function paintOf(element: HTMLElement): Paint {
  const { color, transitionProperty } = element.style
  element.style.transitionProperty = 'none' // else the colour would be on its way still
  const paint = Object.fromEntries(
    Object.entries(words).map(([name, value]) => {
      element.style.color = value
      return [name, getComputedStyle(element).color]
    }),
  )
  Object.assign(element.style, { color, transitionProperty })
  return paint as Paint
}

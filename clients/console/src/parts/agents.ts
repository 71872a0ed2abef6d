// What a browser or a program calls itself, in short words. Anyone can call themselves anything.

import { texts } from '@/texts'

// The first that fits: most browsers also name those that came before them.
const browsers: [RegExp, string][] = [
  [/\bEdgA?\/(\d+)/, 'Edge'],
  [/\bOPR\/(\d+)/, 'Opera'],
  [/\bSamsungBrowser\/(\d+)/, 'Samsung Internet'],
  [/\b(?:Firefox|FxiOS)\/(\d+)/, 'Firefox'],
  [/\b(?:HeadlessChrome|Chrome|CriOS|Chromium)\/(\d+)/, 'Chrome'],
  [/\bVersion\/(\d+).*\bSafari\//, 'Safari'],
]

const systems: [RegExp, string][] = [
  [/\bAndroid\b/, 'Android'],
  [/\b(?:iPhone|iPod)\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux'],
]

/** Gives "Firefox 140 on Linux", or the first word of a program's name, such as "curl/8.5.0". */
export function agentWords(userAgent: string): string {
  const browser = browsers.map(([pattern, name]) => ({ name, found: pattern.exec(userAgent) })).find(({ found }) => found !== null)
  const system = systems.find(([pattern]) => pattern.test(userAgent))?.[1]
  if (browser) {
    const name = `${browser.name} ${browser.found?.[1] ?? ''}`
    return system ? texts.sessions.on(name, system) : name
  }
  return /^\S+/.exec(userAgent)?.[0] ?? texts.sessions.unknownAgent
}

/** Whether it is something that is carried about. */
export function isMobile(userAgent: string): boolean {
  return /\b(?:Android|iPhone|iPod|iPad|Mobile)\b/.test(userAgent)
}

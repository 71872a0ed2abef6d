import { expect, it } from 'vitest'
import { agentWords, isMobile } from '@/parts/agents'

it('names a browser, not those that it also claims to be', () => {
  for (const [agent, words, mobile] of [
    ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36', 'Chrome 140 on Linux', false],
    ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0', 'Edge 140 on Windows', false],
    ['Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0', 'Firefox 143 on Windows', false],
    ['Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1', 'Safari 18 on iPhone', true],
    ['Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36', 'Chrome 140 on Android', true],
  ] as const) {
    expect(agentWords(agent)).toBe(words)
    expect(isMobile(agent)).toBe(mobile)
  }
})

it('takes a program at its word, and nothing for unknown', () => {
  expect(agentWords('curl/8.5.0')).toBe('curl/8.5.0')
  expect(agentWords('payroll/2 (nightly)')).toBe('payroll/2')
  expect(agentWords('')).toBe('Unknown program')
})

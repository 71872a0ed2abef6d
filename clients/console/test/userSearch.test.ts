import { PiniaColada } from '@pinia/colada'
import { createPinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createSSRApp, effectScope, nextTick, ref } from 'vue'
import { fits, useUserSearch } from '@/parts/userSearch'

const { listUsers } = vi.hoisted(() => ({ listUsers: vi.fn<(params: { q?: string }) => Promise<{ data: string[] }>>() }))
vi.mock('@/api', () => ({ roster: { listUsers } }))
vi.mock('@/session', () => ({ can: () => true }))

beforeEach(() => {
  vi.useFakeTimers()
  listUsers.mockReset().mockImplementation(({ q }) => Promise.resolve({ data: [q ?? 'newest'] }))
})
afterEach(() => vi.useRealTimers())

function search(always: boolean) {
  const app = createSSRApp({}).use(createPinia()).use(PiniaColada)
  const typed = ref('')
  const scope = effectScope(true)
  const asked = app.runWithContext(() => scope.run(() => useUserSearch(typed, always)))
  if (!asked) throw new Error('the scope ran nothing')
  const { found } = asked
  return { found, type: async (text: string) => {
    typed.value = text
    await nextTick()
    await vi.advanceTimersByTimeAsync(250)
  } }
}

describe('useUserSearch', () => {
  it('asks for no text that the server refuses', async () => {
    const { found, type } = search(false)
    for (const text of ['a', 'ad', ' ad ', '👩‍', 'x'.repeat(101)]) await type(text)
    expect(listUsers).not.toHaveBeenCalled()
    expect(found.value).toEqual([])
    await type(' ada ')
    expect(listUsers.mock.calls.map(([{ q }]) => q)).toEqual(['ada'])
    expect(found.value).toEqual(['ada'])
    await type('ad')
    expect(found.value).toEqual([])
  })

  it('has the newest where nothing is searched for, if they are wanted', async () => {
    const { found, type } = search(true)
    await type('ad')
    expect(listUsers.mock.calls.map(([{ q }]) => q)).not.toContain('ad')
    expect(found.value).toEqual(['newest'])
  })

  it('counts code points, as the server does', () => {
    expect(['ab', '👩👩', 'abc', '👩👩👩', 'x'.repeat(100), 'x'.repeat(101)].map(fits)).toEqual([false, false, true, true, true, false])
  })
})

import { afterEach, beforeEach, expect, it, vi } from 'vitest'

let connection: typeof import('@/connection')
let online: boolean
let answer: () => Promise<Response>
const heard = new Map<string, () => void>()
const asked: unknown[] = []

beforeEach(async () => {
  vi.useFakeTimers()
  vi.resetModules()
  heard.clear()
  asked.length = 0
  online = true
  answer = () => Promise.resolve(new Response())
  vi.stubGlobal('navigator', { get onLine() { return online } })
  vi.stubGlobal('addEventListener', (name: string, listener: () => void) => heard.set(name, listener))
  vi.stubGlobal('fetch', (what: unknown) => (asked.push(what), answer()))
  connection = await import('@/connection')
})

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const request = (signal?: AbortSignal) => new Request('http://roster.test/api/users', signal && { signal })
const away = (status: number) => () => Promise.resolve(new Response(null, { status }))
const down = () => Promise.reject(new TypeError('fetch failed'))

it('is online while there are answers, whatever they say', async () => {
  for (const status of [200, 401, 404, 429, 500]) {
    answer = away(status)
    await connection.watchedFetch(request())
    expect(connection.connection.value).toBe('online')
  }
})

it('looks whether a server that is away is back', async () => {
  for (const status of [502, 503, 504]) {
    answer = away(status)
    await connection.watchedFetch(request())
    expect(connection.connection.value).toBe('away')
  }
  await vi.advanceTimersByTimeAsync(3_000)
  expect(asked.at(-1)).toBe('/ready')
  expect(connection.connection.value).toBe('away')
  answer = away(200)
  await vi.advanceTimersByTimeAsync(3_000)
  expect(connection.connection.value).toBe('online')
  const before = asked.length
  await vi.advanceTimersByTimeAsync(60_000)
  expect(asked.length).toBe(before) // and asks no more
})

it('tells this machine’s network from the server', async () => {
  answer = down
  await expect(connection.watchedFetch(request())).rejects.toThrow('fetch failed')
  expect(connection.connection.value).toBe('away')
  online = false
  await vi.advanceTimersByTimeAsync(3_000)
  expect(connection.connection.value).toBe('offline')
  online = true
  answer = away(200)
  heard.get('online')?.()
  await vi.advanceTimersByTimeAsync(0)
  expect(connection.connection.value).toBe('online')
  heard.get('offline')?.()
  expect(connection.connection.value).toBe('offline')
})

it('thinks nothing of a call that its page has ended', async () => {
  answer = down
  await expect(connection.watchedFetch(request(AbortSignal.abort()))).rejects.toThrow()
  expect(connection.connection.value).toBe('online')
})

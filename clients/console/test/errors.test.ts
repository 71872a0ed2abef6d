import { createRoster } from '@roster/client'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { formErrorsOf, wordsOf } from '@/errors'
import { SignedOut } from '@/expiry'
import { texts } from '@/texts'

const t = texts.errors

beforeEach(() => vi.stubGlobal('navigator', { onLine: true }))
afterEach(() => vi.unstubAllGlobals())

/** Gives what the client throws for an answer, or for none. */
async function errorOf(answer: (() => Response) | (() => never), signal?: AbortSignal): Promise<unknown> {
  const roster = createRoster({ baseUrl: 'http://roster.test', retries: 0, fetch: (request) => Promise.resolve().then(() => (request.signal.throwIfAborted(), answer())) })
  try {
    await roster.getStats({}, signal && { signal })
  } catch (error) {
    return error
  }
  return expect.fail('the call succeeded')
}

function problem(status: number, code: string | undefined, more: object = {}, headers: Record<string, string> = {}) {
  const body = { type: 'about:blank', title: 'A title', status, detail: 'What the server says.', code, requestId: 'r1', errors: [], ...more }
  return errorOf(() => new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/problem+json', ...headers } }))
}

function down(): never {
  throw new TypeError('fetch failed')
}

describe('wordsOf', () => {
  it('has words of its own for the codes that people meet', async () => {
    for (const [code, words] of Object.entries(t.codes)) expect(wordsOf(await problem(409, code))).toBe(words)
  })

  it('shows the server’s words for the others', async () => {
    expect(wordsOf(await problem(409, 'idempotency_in_flight'))).toBe('What the server says.')
  })

  it('says how long to wait, in whole seconds', async () => {
    expect(wordsOf(await problem(429, 'rate_limited', {}, { 'Retry-After': '7' }))).toBe('That was too often. Try again in 7 seconds.')
    expect(wordsOf(await problem(429, 'rate_limited'))).toBe('That was too often. Try again in 1 second.')
  })

  it('names the request of what nobody expected, and shows nothing of it', async () => {
    expect(wordsOf(await problem(500, 'internal', { detail: 'secret' }))).toBe(t.internal('r1'))
    expect(wordsOf(await problem(500, 'a_word_of_a_newer_server', { detail: 'secret' }))).toBe(t.internal('r1'))
    expect(wordsOf(await errorOf(() => new Response('<h1>Bad Gateway</h1>', { status: 502 })))).toBe(t.internal())
  })

  it('tells a missing permission from another refusal', async () => {
    expect(wordsOf(await problem(403, 'forbidden', { permission: 'users:write' }))).toBe(t.forbidden)
    expect(wordsOf(await problem(403, 'forbidden'))).toBe('What the server says.')
  })

  it('tells this machine’s network from a server that is away', async () => {
    const error = await errorOf(down)
    expect(wordsOf(error)).toBe(t.away)
    vi.stubGlobal('navigator', { onLine: false })
    expect(wordsOf(error)).toBe(t.offline)
    expect(wordsOf(await problem(503, 'unavailable'))).toBe(t.away)
  })

  it('knows what was broken off, who is signed out, and faults of the page', async () => {
    expect(wordsOf(await errorOf(down, AbortSignal.abort()))).toBe(t.aborted)
    expect(wordsOf(new SignedOut())).toBe(t.signedOut)
    expect(wordsOf(new TypeError('x is undefined'))).toBe(t.unknown)
    expect(wordsOf(undefined)).toBe(t.unknown)
  })
})

describe('formErrorsOf', () => {
  const names = ['email', 'name', 'currentPassword']
  const invalid = (...errors: { pointer: string; message: string }[]) =>
    problem(422, 'validation_failed', { errors: errors.map((error) => ({ code: 'invalid', ...error })) })

  it('finds the fields by their pointers, and makes sentences', async () => {
    const error = await invalid({ pointer: '/email', message: 'must be an email address' }, { pointer: '/name', message: 'is too long!' })
    expect(formErrorsOf(error, names)).toEqual({
      fields: [{ name: 'email', message: 'Must be an email address.' }, { name: 'name', message: 'Is too long!' }],
      rest: [],
    })
  })

  it('leaves above what the form has no field for, by its name', async () => {
    const error = await invalid({ pointer: '/role', message: 'must be one of 3' }, { pointer: '', message: 'must be an object' }, { pointer: '/email/0', message: 'is wrong' })
    expect(formErrorsOf(error, names)).toEqual({
      fields: [{ name: 'email', message: 'Is wrong.' }],
      rest: ['Role must be one of 3.', 'Must be an object.'],
    })
  })

  it('knows the field of a code', async () => {
    expect(formErrorsOf(await problem(409, 'email_taken'), names)).toEqual({ fields: [{ name: 'email', message: t.codes.email_taken }], rest: [] })
    expect(formErrorsOf(await problem(403, 'wrong_password'), names)).toEqual({ fields: [{ name: 'currentPassword', message: t.codes.wrong_password }], rest: [] })
    expect(formErrorsOf(await problem(409, 'email_taken'), ['name'])).toEqual({ fields: [], rest: [t.codes.email_taken] })
  })

  it('has words for whatever else it is', async () => {
    expect(formErrorsOf(await problem(422, 'validation_failed'), names)).toEqual({ fields: [], rest: [t.validation] })
    expect(formErrorsOf(await errorOf(down), names)).toEqual({ fields: [], rest: [t.away] })
    expect(formErrorsOf('a text', names)).toEqual({ fields: [], rest: [t.unknown] })
  })
})

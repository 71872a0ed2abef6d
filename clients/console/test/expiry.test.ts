import { beforeEach, describe, expect, it, vi } from 'vitest'

let expiry: typeof import('@/expiry')

beforeEach(async () => {
  vi.resetModules()
  expiry = await import('@/expiry')
})

describe('signing in again', () => {
  it('is asked of nobody while nobody is there', async () => {
    await expect(expiry.signInAgain()).rejects.toBeInstanceOf(expiry.SignedOut)
    expect(expiry.question.value).toBeUndefined()
  })

  it('waits for the answer, and asks no more then', async () => {
    expiry.setSignedIn(true)
    const again = expiry.signInAgain()
    expect(expiry.question.value).toBeDefined()
    expiry.question.value?.answered()
    await again
    expect(expiry.question.value).toBeUndefined()
  })

  it('fails for who leaves, and can be asked again', async () => {
    expiry.setSignedIn(true)
    const again = expiry.signInAgain()
    expiry.question.value?.refused(new expiry.SignedOut())
    await expect(again).rejects.toBeInstanceOf(expiry.SignedOut)
    expect(expiry.question.value).toBeUndefined()
    void expiry.signInAgain()
    expect(expiry.question.value).toBeDefined()
  })
})

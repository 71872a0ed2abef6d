// Who is signed in, and what they may do.

import { isUnauthenticated, type Identity, type Permission, type SignIn } from '@roster/client'
import { computed, shallowRef } from 'vue'
import { roster } from './api'
import { setSignedIn, SignedOut } from './expiry'

const identity = shallowRef<Identity>()

/** Who is signed in. Screens other than the open ones are shown to somebody only. */
export const me = computed(() => {
  if (identity.value === undefined) throw new SignedOut()
  return identity.value
})

/** Whether somebody is signed in, as far as is known. */
export const isSignedIn = computed(() => identity.value !== undefined)

/** Whether the person who is signed in may do something. What they may not, do not offer. */
export function can(permission: Permission): boolean {
  return identity.value?.permissions.includes(permission) ?? false
}

/** Asks the server who is signed in, once it has not been asked. Gives whether somebody is. */
export async function load(): Promise<boolean> {
  if (identity.value === undefined) {
    try {
      set(await roster.getSession())
    } catch (error) {
      if (!(error instanceof SignedOut) && !isUnauthenticated(error)) throw error
    }
  }
  return isSignedIn.value
}

/** Asks again who is signed in: after one's own name, role or session has changed. */
export async function reload(): Promise<void> {
  set(await roster.getSession())
}

export async function signIn(body: Pick<SignIn, 'email' | 'password'>): Promise<Identity> {
  const { identity } = await roster.signIn(body)
  set(identity)
  return identity
}

/** Ends the session. The page is left for good, so that nothing of what it showed stays in memory. */
export async function signOut(): Promise<void> {
  await roster.signOut()
  location.assign('/sign-in')
}

function set(now: Identity): void {
  identity.value = now
  setSignedIn(true)
}

// What happens when the session has ended while somebody is at work: a dialog over the
// page asks for the password, and the calls that failed are sent again. What was typed stays.

import { shallowRef } from 'vue'

/** Nobody is signed in, and nobody has signed in again. */
export class SignedOut extends Error {
  override name = 'SignedOut'
}

/** The question that ExpiredDialog asks, while there is one. */
export const question = shallowRef<{ answered: () => void; refused: (reason: SignedOut) => void }>()

let signedIn = false

/** Says whether somebody is there to be asked for a password. */
export function setSignedIn(is: boolean): void {
  signedIn = is
}

/** Waits until the dialog has signed in again. Without anybody there, as at the first look, it fails at once. */
export function signInAgain(): Promise<void> {
  if (!signedIn) return Promise.reject(new SignedOut())
  return new Promise<void>((resolve, reject) => {
    question.value = { answered: resolve, refused: reject }
  }).finally(() => (question.value = undefined))
}

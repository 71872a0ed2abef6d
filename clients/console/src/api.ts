import { createRoster, withSignIn } from '@roster/client'
import { watchedFetch } from './connection'
import { signInAgain } from './expiry'

/** The one client of the console: all calls go through it. It shows who calls by the browser's cookie. */
export const roster = createRoster({
  baseUrl: '/',
  fetch: watchedFetch,
  signIn: withSignIn(signInAgain),
  // Longer waits are shown to the person, who may do something else meanwhile.
  maxRetryWait: 3_000,
})

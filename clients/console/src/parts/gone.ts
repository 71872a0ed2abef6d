import { RosterError } from '@roster/client'

/** Waits for something to be ended. That it has ended already, by whomever, is no failure. */
export async function gone(ending: Promise<void>): Promise<void> {
  try {
    await ending
  } catch (error) {
    if (!(error instanceof RosterError) || error.code !== 'not_found') throw error
  }
}

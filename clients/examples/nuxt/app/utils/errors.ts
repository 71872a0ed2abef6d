import { RosterError } from '@roster/client'

/** Says in words why a call failed. What is no failure of a call is thrown on. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof RosterError)) throw error
  if (error.kind !== 'answer') return 'No answer came. Are you online?'
  return error.code ? error.detail : 'Roster does not answer at the moment.' // a proxy's own words help nobody
}

/** Makes a failed call the error of the page, with a status that fits: app/error.vue shows it. */
export function failPage(error: unknown): never {
  if (!(error instanceof RosterError)) throw error
  const away = error.kind !== 'answer' || error.code === undefined || error.code === 'unavailable'
  const nowhere = error.code === 'not_found' || error.code === 'validation_failed' // an address that somebody made up
  throw createError({
    status: away ? 503 : nowhere ? 404 : error.status,
    message: away ? 'Roster does not answer at the moment.' : nowhere ? 'There is nothing at this address.' : error.detail,
    data: { requestId: error.kind === 'answer' ? error.requestId : undefined },
    fatal: true,
  })
}

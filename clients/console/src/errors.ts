// The one place where an error becomes words, and finds its field.

import { RosterError } from '@roster/client'
import { SignedOut } from './expiry'
import { texts } from './texts'

const t = texts.errors

/** Says what went wrong, in a sentence or two for the person at the screen. */
export function wordsOf(error: unknown): string {
  if (error instanceof SignedOut) return t.signedOut
  if (!(error instanceof RosterError)) return t.unknown
  if (error.kind === 'network') return navigator.onLine ? t.away : t.offline
  if (error.kind === 'aborted') return t.aborted
  switch (error.code) {
    case 'rate_limited':
      return t.rateLimited(Math.ceil(error.retryAfter ?? 1))
    case 'unavailable':
      return t.away
    case 'internal':
    case undefined:
      return t.internal(error.requestId)
    case 'forbidden':
      return error.permission === undefined ? error.detail : t.forbidden
    case 'validation_failed':
      return t.validation
    case 'sign_in_failed':
    case 'wrong_password':
    case 'email_taken':
    case 'last_admin':
    case 'precondition_failed':
    case 'reset_invalid':
    case 'not_found':
      return t.codes[error.code]
    default:
      return error.detail
  }
}

/** Errors whose code alone says which field they belong to. */
const fieldOfCode: Record<string, string> = { email_taken: 'email', wrong_password: 'currentPassword' }

/** An error, as a form shows it: beside the fields that it has, and above it what belongs to none. */
export interface FormErrors {
  fields: { name: string; message: string }[]
  rest: string[]
}

/** Finds the form's fields that an error is about, by the JSON pointers of its parts (RFC 6901). */
export function formErrorsOf(error: unknown, names: readonly string[]): FormErrors {
  const own = error instanceof RosterError && error.code !== undefined ? fieldOfCode[error.code] : undefined
  if (own !== undefined && names.includes(own)) return { fields: [{ name: own, message: wordsOf(error) }], rest: [] }
  const found: FormErrors = { fields: [], rest: [] }
  const parts = error instanceof RosterError && error.kind === 'answer' ? error.errors : []
  for (const { pointer, message } of parts) {
    const name = pointer.split('/')[1] ?? ''
    if (names.includes(name)) found.fields.push({ name, message: sentence(message) })
    else found.rest.push(sentence(name ? `${name} ${message}` : message))
  }
  if (parts.length === 0) found.rest.push(wordsOf(error))
  return found
}

function sentence(message: string): string {
  const text = message.charAt(0).toUpperCase() + message.slice(1)
  return /[.!?]$/.test(text) ? text : `${text}.`
}

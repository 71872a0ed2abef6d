import type { Identity } from '@roster/client'

/** Who is signed in; null is nobody. The middleware asks on the server, and the page comes with the answer. */
export const useMe = () => useState<Identity | null>('me', () => null)

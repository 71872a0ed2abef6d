import { useOverlay } from '@nuxt/ui/composables'
import KeySecret from './KeySecret.vue'

/** A secret, and what to say of it. */
export interface NewSecret {
  title: string
  secret: string
  more?: string
}

/** Gives a function that shows the secret of a key, this once, until it is closed. */
export function useKeySecret(): (what: NewSecret) => Promise<unknown> {
  const overlay = useOverlay()
  return (what) => overlay.create(KeySecret, { destroyOnClose: true }).open({ what })
}

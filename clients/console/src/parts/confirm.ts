import { useOverlay } from '@nuxt/ui/composables'
import ConfirmDialog from './ConfirmDialog.vue'

/** What to ask before something is done that cannot be taken back. */
export interface Confirmation {
  title: string
  body?: string
  /** What goes with it, a line each. */
  goes?: readonly string[]
  /** The button's word, such as "Delete". */
  action: string
  danger?: boolean
  /** Is done while the dialog is open; if it fails the dialog says why, and stays. */
  run?: () => Promise<unknown>
}

/** Gives a function that asks, and gives whether the answer was yes (and `run` has succeeded). */
export function useConfirm(): (what: Confirmation) => Promise<boolean> {
  const overlay = useOverlay()
  // One for each question: it is gone once it is answered.
  return async (what) => (await overlay.create(ConfirmDialog, { destroyOnClose: true }).open({ what })) === true
}

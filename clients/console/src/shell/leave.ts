import { useToast } from '@nuxt/ui/composables'
import { wordsOf } from '@/errors'
import { signOut } from '@/session'

/** Signs out, and says so if that did not work: then the session is still there. */
export async function leave(): Promise<void> {
  try {
    await signOut()
  } catch (error) {
    useToast().add({ title: wordsOf(error), color: 'error', icon: 'i-lucide-circle-alert' })
  }
}

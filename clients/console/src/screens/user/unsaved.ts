import { onMounted, onUnmounted } from 'vue'
import { onBeforeRouteLeave, onBeforeRouteUpdate } from 'vue-router'
import { useConfirm } from '@/parts/confirm'
import { texts } from '@/texts'

const t = texts.user.unsaved

/** Asks before what was typed is left: for another screen, another user, or another site. */
export function useUnsaved(unsaved: () => boolean): void {
  const confirm = useConfirm()
  const ask = () => confirm({ title: t.title, body: t.body, action: t.leave, danger: true })

  onBeforeRouteLeave(() => !unsaved() || ask())
  // Going from tab to tab leaves nothing: the form stays.
  onBeforeRouteUpdate((to, from) => to.params['id'] === from.params['id'] || !unsaved() || ask())

  function beforeUnload(event: BeforeUnloadEvent) {
    if (unsaved()) event.preventDefault()
  }
  onMounted(() => addEventListener('beforeunload', beforeUnload))
  onUnmounted(() => removeEventListener('beforeunload', beforeUnload))
}

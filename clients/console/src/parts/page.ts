import { RosterError } from '@roster/client'
import { computed } from 'vue'
import { useRoute, useRouter, type LocationQuery } from 'vue-router'

/** Where in a list the URL says one is: the part of it that belongs to the screen that uses this. */
export function usePage() {
  const route = useRoute()
  const router = useRouter()
  const { name } = route

  /** What the URL asks for. Who leaves is shown the last of it until the next screen is there, and nothing is fetched anew. */
  const query = computed<LocationQuery>((before) => (before === undefined || route.name === name ? route.query : before))
  const cursor = computed(() => (typeof query.value['cursor'] === 'string' && query.value['cursor'] !== '' ? query.value['cursor'] : undefined))

  return {
    query,
    cursor,
    /** Whether the cursor was refused, such as one of another list. */
    refused: (error: unknown) => cursor.value !== undefined && error instanceof RosterError && error.kind === 'answer' && error.errors.some(({ pointer }) => pointer.endsWith('/cursor')),
    toFirst: () => void router.replace({ query: { ...route.query, cursor: undefined } }),
  }
}

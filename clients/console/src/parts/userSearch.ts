import { useQuery } from '@pinia/colada'
import { computed, ref, watch, type Ref } from 'vue'
import { roster } from '@/api'
import { can } from '@/session'

/** What the server searches for: its index has three letters at a time. */
export const shortest = 3
export const longest = 100

/** Whether the server searches for this text. */
export function fits(text: string): boolean {
  const { length } = Array.from(text)
  return length >= shortest && length <= longest
}

/** Finds some users by what is typed, a while after the last letter; with `always` the newest ones where nothing is searched for. */
export function useUserSearch(typed: Ref<string>, always = false) {
  const asked = ref('')
  let timer: ReturnType<typeof setTimeout> | undefined
  watch(typed, (now) => {
    clearTimeout(timer)
    timer = setTimeout(() => (asked.value = fits(now.trim()) ? now.trim() : ''), 200)
  })
  const wanted = computed(() => always || asked.value !== '')
  const query = useQuery({
    key: () => ['users', 'found', asked.value],
    query: ({ signal }) => roster.listUsers({ ...(asked.value && { q: asked.value }), limit: 8 }, { signal }),
    enabled: () => wanted.value && can('users:read'),
    placeholderData: (before) => before,
  })
  return {
    found: computed(() => (wanted.value ? (query.data.value?.data ?? []) : [])),
    searching: computed(() => query.asyncStatus.value === 'loading'),
  }
}

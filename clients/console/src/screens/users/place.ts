// Which users the list shows, and in which order: the URL has it.

import { Role, UserSort, type ListUsersParams } from '@roster/client'
import { computed, ref, watch } from 'vue'
import { useRouter } from 'vue-router'
import { usePage } from '@/parts/page'
import { fits, longest, shortest } from '@/parts/userSearch'

export const pageSizes = [20, 50, 100] as const

/** The server's own, which the URL leaves out. */
const usual = { sort: UserSort['-createdAt'], limit: pageSizes[0] }

export function usePlace() {
  const router = useRouter()
  const { query, cursor } = usePage()
  const word = (name: string) => (typeof query.value[name] === 'string' ? query.value[name] : '')

  /** Goes to another list: a cursor holds for its own only. */
  function change(to: Record<string, string | number | undefined>, how: 'push' | 'replace' = 'push') {
    return router[how]({ query: { ...query.value, ...to, cursor: undefined } })
  }

  const sort = computed({
    get: () => Object.values(UserSort).find((sort) => sort === word('sort')) ?? usual.sort,
    set: (to) => void change({ sort: to === usual.sort ? undefined : to }),
  })
  const role = computed({
    get: () => Object.values(Role).find((role) => role === word('role')),
    set: (to) => void change({ role: to }),
  })
  const limit = computed({
    get: () => pageSizes.find((size) => String(size) === word('limit')) ?? usual.limit,
    set: (to) => void change({ limit: to === usual.limit ? undefined : to }),
  })

  /** What stands in the search field: also what is too short, or too long, to be searched for. */
  const search = ref(word('q'))
  const asked = computed(() => (fits(word('q')) ? word('q') : ''))
  watch(search, (text) => {
    const to = fits(text) ? text : ''
    // Back leads to before the search, not through each of its letters.
    if (to !== asked.value) void change({ q: to || undefined }, to && asked.value ? 'replace' : 'push')
  })
  watch(asked, (now) => {
    if (now !== (fits(search.value) ? search.value : '')) search.value = now
  })

  return {
    search,
    tooShort: computed(() => search.value !== '' && Array.from(search.value).length < shortest),
    tooLong: computed(() => Array.from(search.value).length > longest),
    sort,
    role,
    limit,
    isFiltered: computed(() => asked.value !== '' || role.value !== undefined),
    params: computed<ListUsersParams>(() => ({
      q: asked.value || undefined,
      role: role.value,
      sort: sort.value,
      limit: limit.value,
      cursor: cursor.value,
    })),
    clear: async () => {
      await change({ q: undefined, role: undefined })
      search.value = '' // what is too short is in no address
    },
  }
}

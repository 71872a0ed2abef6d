// Does something to each of many: a few at once, waiting when the server asks for that, until
// all are done or somebody stops it. It knows neither users nor the screen, and imports nothing.

/** One of the many, and what became of it. */
export interface Task<T> {
  item: T
  state: 'waiting' | 'running' | 'done' | 'failed'
  /** Why it failed. */
  error?: unknown
}

/** All of them. `run` writes to it, so that a reactive one shows how far it is. */
export interface Bulk<T> {
  tasks: Task<T>[]
  running: boolean
  /** Until when nothing is begun, as Date.now() counts, since the server has asked for that. */
  pausedUntil: number | undefined
}

export interface How<T> {
  act: (item: T) => Promise<unknown>
  /** Gives the seconds that an error asks to wait before the same is tried again; undefined: it has failed for good. */
  pauseOf: (error: unknown) => number | undefined
  /** What is begun only when all others have ended, such as what takes away one's own right to go on. */
  isLast?: (item: T) => boolean
  /** Once it aborts nothing more is begun; what is under way is waited for. */
  stop: AbortSignal
  /** How many at once: 4. */
  atOnce?: number
}

export function bulkOf<T>(items: readonly T[]): Bulk<T> {
  return { tasks: items.map((item) => ({ item, state: 'waiting' })), running: false, pausedUntil: undefined }
}

/** Does all that is not done yet; what has failed before is tried again. It never throws: each task says why it failed. */
export async function run<T>(bulk: Bulk<T>, { act, pauseOf, isLast = () => false, stop, atOnce = 4 }: How<T>): Promise<void> {
  const left = bulk.tasks.filter(({ state }) => state !== 'done')
  for (const task of left) Object.assign(task, { state: 'waiting', error: undefined })
  bulk.running = true
  await lanes(left.filter(({ item }) => !isLast(item)))
  await lanes(left.filter(({ item }) => isLast(item)))
  bulk.running = false

  async function lanes(queue: Task<T>[]) {
    await Promise.all(Array.from({ length: Math.min(atOnce, queue.length) }, () => lane(queue)))
  }

  async function lane(queue: Task<T>[]) {
    for (;;) {
      await pause()
      const task = stop.aborted ? undefined : queue.shift()
      if (task === undefined) return
      task.state = 'running'
      try {
        await act(task.item)
        task.state = 'done'
      } catch (error) {
        const seconds = pauseOf(error)
        if (seconds === undefined) {
          Object.assign(task, { state: 'failed', error })
        } else {
          // It is the next, and the others wait with it: they would be refused too.
          task.state = 'waiting'
          queue.unshift(task)
          bulk.pausedUntil = Math.max(bulk.pausedUntil ?? 0, Date.now() + seconds * 1000)
        }
      }
    }
  }

  async function pause() {
    while (bulk.pausedUntil !== undefined && !stop.aborted) {
      const wait = bulk.pausedUntil - Date.now()
      if (wait <= 0) break
      await sleep(Math.min(wait, 60_000), stop) // another lane may have made it longer meanwhile
    }
    bulk.pausedUntil = undefined
  }
}

/** Waits, or less if the signal aborts. */
function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, milliseconds)
    signal.addEventListener('abort', end)
  })
}

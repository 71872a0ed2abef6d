import { describe, expect, it } from 'vitest'
import DataTable from '@/parts/DataTable.vue'
import Pager from '@/parts/Pager.vue'
import TimeText from '@/parts/TimeText.vue'
import { render } from './render'

describe('Pager', () => {
  const pagination = { page: 2, limit: 20, total: 41, pages: 3, next: 'the+next', prev: 'the-prev' }

  it('leads to the pages beside this one, and keeps what else the URL says', async () => {
    const html = await render(Pager, { pagination, one: 'user' }, '/users?q=ada&cursor=old')
    expect(html).toContain('href="/users?q=ada&amp;cursor=the-prev"')
    expect(html).toContain('href="/users?q=ada&amp;cursor=the%2Bnext"')
    expect(html).toContain('41 users')
  })

  it('leads nowhere where nothing is', async () => {
    const html = await render(Pager, { pagination: { ...pagination, total: 1, next: null, prev: null }, one: 'entry', many: 'entries' }, '/audit?cursor=x')
    expect(html).not.toContain('href=')
    expect(html).toContain('1 entry')
  })
})

describe('DataTable', () => {
  const rows = [{ id: 'a', name: 'Ada' }, { id: 'b', name: 'Bob' }]
  const columns = [{ key: 'name', label: 'Name', sort: 'name' }, { key: 'age', label: 'Age', sort: 'age' }, { key: 'id', label: 'Id' }]
  const table = (more: object = {}) => render(DataTable, { rows, columns, label: 'People', ...more })
  const boxes = (html: string) => [...html.matchAll(/data-is="([^"]*)"/g)].map(([, is]) => is)

  it('says by which column it is sorted, and which way', async () => {
    expect((await table()).match(/aria-sort/g)).toBeNull()
    expect(await table({ sort: 'name' })).toMatch(/<th[^>]*aria-sort="ascending"[^>]*><button[^>]*>Name/)
    expect(await table({ sort: '-age' })).toMatch(/<th[^>]*aria-sort="descending"[^>]*><button[^>]*>Age/)
    expect((await table({ sort: '-age' })).match(/aria-sort/g)).toHaveLength(1)
  })

  it('is one stop for the Tab key', async () => {
    expect([...(await table()).matchAll(/<tr tabindex="(-?\d)"/g)].map(([, at]) => at)).toEqual(['0', '-1'])
  })

  it('shows a row’s own values where no slot does', async () => {
    expect(await table()).toMatch(/Ada.*Bob/s)
  })

  it('has a box for each row, and one for all, where rows can be chosen', async () => {
    expect(boxes(await table())).toEqual([])
    expect(boxes(await table({ chosen: new Set() }))).toEqual(['false', 'false', 'false'])
    expect(boxes(await table({ chosen: new Set(['b', 'of another page']) }))).toEqual(['indeterminate', 'false', 'true'])
    expect(boxes(await table({ chosen: new Set(['a', 'b']) }))).toEqual(['true', 'true', 'true'])
    expect(boxes(await table({ rows: [], chosen: new Set(['a']) }))).toEqual(['false'])
  })
})

describe('TimeText', () => {
  it('is exact for machines and on hover, and says where there is none', async () => {
    expect(await render(TimeText, { at: '2026-03-14T09:26:53Z' })).toMatch(/<time datetime="2026-03-14T09:26:53Z" title="[^"]*53/)
    expect(await render(TimeText, { at: null })).toContain('never')
    expect(await render(TimeText, { at: null, none: 'not yet' })).toContain('not yet')
  })
})

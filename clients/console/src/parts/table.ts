/** A column of a DataTable. Its cells are the slot `cell-KEY`, or the row's own value. */
export interface Column {
  key: string
  label: string
  /** The word that the list sorts by; `-word` is the other way round. */
  sort?: string
  /** For head and cells, such as `hidden md:table-cell`, or `w-0` for as narrow as can be. */
  class?: string
  /** The heading is for screen readers only. */
  quiet?: boolean
}

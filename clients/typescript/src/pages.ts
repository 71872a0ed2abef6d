import type { PaginatedResponseUser } from './gen/types.gen.js';

/** A page of a list: its rows, and where the page stands in the list. */
export interface PaginatedResponse<T> extends Omit<PaginatedResponseUser, 'data'> {
  /** The rows of this page, in the order asked for. */
  data: T[];
}

interface ListParams {
  page?: number;
  limit?: number;
  cursor?: string;
}

/** Walks a list page by page, by the cursors. */
export async function* pages<P extends ListParams, T>(
  list: (params: P) => Promise<PaginatedResponse<T>>,
  params: P,
): AsyncGenerator<PaginatedResponse<T>, void, undefined> {
  for (let next: string | null | undefined; next !== null; ) {
    const page = await list(next === undefined ? params : { ...params, page: undefined, cursor: next });
    yield page;
    next = page.pagination.next;
  }
}

/** Walks a list row by row, in pages as large as there are. */
export async function* rows<P extends ListParams, T>(
  list: (params: P) => Promise<PaginatedResponse<T>>,
  params: P,
): AsyncGenerator<T, void, undefined> {
  // A cursor holds only with the limit that it was made for, and a page number means nothing with another.
  const whole = params.cursor === undefined && params.page === undefined;
  for await (const page of pages(list, whole ? { limit: 100, ...params } : params)) {
    yield* page.data;
  }
}

// The same in every copy of this package.
const key: unique symbol = /* @__PURE__ */ Symbol.for('@roster/client etag') as never;

/**
 * Gives the ETag that a single resource came with, for `ifMatch` and `ifNoneMatch`. It is opaque: only
 * the server can tell what it means.
 *
 * The tag belongs to the very object that a call gave. Copies, rows of a list, and what went through
 * JSON have none.
 *
 * @throws TypeError if there is none, rather than let a write go ahead without its condition.
 */
export function etagOf(resource: object): string {
  const tag = (resource as { [key]?: string })[key];
  if (tag === undefined) {
    throw new TypeError(
      'No ETag: only what getUser and the like gave has one, not a copy of it or a row of a list. ' +
        'A server of another origin must expose the ETag header (CORS).',
    );
  }
  return tag;
}

/** Lets a resource remember its ETag, out of the way of JSON, comparison and copies. */
export function tagged<T extends object>({ data, response }: { data: T; response: Response }): T {
  const tag = response.headers.get('ETag');
  return tag === null ? data : Object.defineProperty(data, key, { value: tag });
}

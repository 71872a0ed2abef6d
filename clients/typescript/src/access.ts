/** What calls show to be known. Each sign-in makes another one. */
export interface Pass {
  readonly headers: Readonly<Record<string, string>>;
}

/** What one client shows to be known. The secret lies where no log and no JSON reaches it. */
export interface Access {
  /** Whether a browser keeps sessions in a cookie, out of the reach of scripts. */
  readonly cookies: boolean;
  /** Gives what there is to call by. */
  now(): Pass;
  /** Calls by another session, of a token or of a cookie. */
  set(token: string | undefined): void;
  /** Calls by nothing. */
  clear(): void;
}

/** Gives a pass that is not the one that was refused: for that it signs in, once for all who wait. */
export type Renewal = (refused: Pass | undefined, signal: AbortSignal | undefined) => Promise<Pass>;

/** What shows nothing. A browser may add its cookie. */
export const nothing: Pass = { headers: {} };

/** Makes what a client shows at first. */
export function createAccess(token: string | undefined, cookies: boolean): Access {
  let pass = token === undefined ? nothing : passOf(token);
  return {
    cookies,
    now: () => pass,
    set: (token) => void (pass = passOf(token)),
    clear: () => void (pass = nothing),
  };
}

function passOf(token: string | undefined): Pass {
  if (token === undefined) {
    return { headers: {} }; // a cookie's, one for each session: not nothing
  }
  const secret = token.trim(); // as it comes from a file
  if (!/^[\x21-\x7e]+$/.test(secret)) {
    // fetch would say so too, with the secret in its words.
    throw new TypeError('The key or token is empty, or has a character that none has');
  }
  return { headers: { authorization: `Bearer ${secret}` } };
}

import type { IncomingMessage, ServerResponse } from 'node:http';

declare namespace hpp {
  /** The options of hpp 0.2. */
  interface Options {
    /** Whether the query is checked; default true. */
    checkQuery?: boolean | undefined;
    /** Whether the body is checked; default true. */
    checkBody?: boolean | undefined;
    /** The media type of bodies that are checked; default `urlencoded`. */
    checkBodyOnlyForContentType?: string | undefined;
    /** Parameters that may have several values. */
    whitelist?: string | string[] | undefined;
  }
}

declare function hpp(
  options?: hpp.Options,
): (request: IncomingMessage, response: ServerResponse, next: (error?: any) => void) => void;

export = hpp;

import type { IncomingMessage, ServerResponse } from 'node:http';

declare namespace ExpressMongoSanitize {
  /** The options of express-mongo-sanitize 2.2. */
  interface Options {
    /** What takes the place of `$` and of dots; without it the member goes. */
    replaceWith?: string;
    /** Called once for each part of a request in which something was found. */
    onSanitize?: (params: { key: string; req: any }) => void;
    /** Whether everything stays as it is. */
    dryRun?: boolean;
    /** Whether dots are no matter; a segment that starts with `$` is one all the same. */
    allowDots?: boolean;
  }
}

interface Middleware {
  (
    options?: ExpressMongoSanitize.Options,
  ): (request: IncomingMessage, response: ServerResponse, next: (error?: any) => void) => void;
  /** Removes or renames keys with prohibited characters, in the value itself. */
  sanitize<T extends Record<string, unknown> | unknown[]>(target: T, options?: ExpressMongoSanitize.Options): T;
  /** Whether there are keys with prohibited characters. */
  has(target: Record<string, unknown> | unknown[], allowDots?: boolean): boolean;
}

declare const ExpressMongoSanitize: Middleware & { default: typeof ExpressMongoSanitize };

export = ExpressMongoSanitize;

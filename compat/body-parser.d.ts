import type { IncomingMessage, ServerResponse } from 'node:http';

declare namespace bodyParser {
  type NextHandleFunction = (request: IncomingMessage, response: ServerResponse, next: (error?: any) => void) => void;

  interface BodyParser {
    /** @deprecated Use the readers by themselves; body-parser 2 throws. */
    (options?: OptionsJson & OptionsText & OptionsUrlencoded): NextHandleFunction;
    /** Reads JSON bodies. */
    json(options?: OptionsJson): NextHandleFunction;
    /** Reads bodies as bytes. */
    raw(options?: Options): NextHandleFunction;
    /** Reads bodies as text. */
    text(options?: OptionsText): NextHandleFunction;
    /** Reads forms. */
    urlencoded(options?: OptionsUrlencoded): NextHandleFunction;
  }

  interface Options {
    /** Whether coded bodies are decoded; default true. */
    inflate?: boolean | undefined;
    /** The longest body in bytes, or as text such as `'1mb'`; default `'100kb'`. */
    limit?: number | string | undefined;
    /** The media types that are read, or a function that decides. */
    type?: string | string[] | ((req: IncomingMessage) => any) | undefined;
    /** Checks the bytes; what it throws refuses the request. */
    verify?(req: IncomingMessage, res: ServerResponse, buf: Buffer, encoding: string): void;
  }

  interface OptionsJson extends Options {
    /** Given to `JSON.parse`. */
    reviver?(key: string, value: any): any;
    /** Whether only objects and arrays are taken; default true. */
    strict?: boolean | undefined;
  }

  interface OptionsText extends Options {
    /** The charset of bodies that name none; default `utf-8`. */
    defaultCharset?: string | undefined;
  }

  interface OptionsUrlencoded extends Options {
    /** Whether brackets nest. */
    extended?: boolean | undefined;
    /** Most parameters; default 1000. */
    parameterLimit?: number | undefined;
    /** Levels of brackets; default 32. */
    depth?: number | undefined;
    /** The charset of forms that name none: `utf-8`, the default, or `iso-8859-1`. */
    defaultCharset?: string | undefined;
    /** Whether `utf8=✓` names the charset. */
    charsetSentinel?: boolean | undefined;
    /** Whether numeric entities are characters. */
    interpretNumericEntities?: boolean | undefined;
  }
}

declare const bodyParser: bodyParser.BodyParser;

export = bodyParser;

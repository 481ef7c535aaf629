import type { IncomingHttpHeaders } from 'node:http';

type StaticOrigin = boolean | string | RegExp | Array<boolean | string | RegExp>;

type CustomOrigin = (
  requestOrigin: string | undefined,
  callback: (err: Error | null, origin?: StaticOrigin) => void,
) => void;

declare namespace cors {
  /** What is read of a request. */
  interface CorsRequest {
    method?: string | undefined;
    headers: IncomingHttpHeaders;
  }

  /** The options of cors 2.8. */
  interface CorsOptions {
    /** Who may read the answers; default `'*'`. Patterns of a part of the origin match whole names up to its end. */
    origin?: StaticOrigin | CustomOrigin | undefined;
    /** Default `GET,HEAD,PUT,PATCH,POST,DELETE`. */
    methods?: string | string[] | undefined;
    /** Default: what the preflight asks for. */
    allowedHeaders?: string | string[] | undefined;
    exposedHeaders?: string | string[] | undefined;
    /** With `origin: true` it throws. */
    credentials?: boolean | undefined;
    /** Seconds. */
    maxAge?: number | undefined;
    /** Default false. */
    preflightContinue?: boolean | undefined;
    /** Default 204. */
    optionsSuccessStatus?: number | undefined;
  }

  /** Gives the options of each request. */
  type CorsOptionsDelegate<T extends CorsRequest = CorsRequest> = (
    req: T,
    callback: (err: Error | null, options?: CorsOptions) => void,
  ) => void;
}

declare function cors<T extends cors.CorsRequest = cors.CorsRequest>(
  options?: cors.CorsOptions | cors.CorsOptionsDelegate<T>,
): (
  req: T,
  res: {
    statusCode?: number | undefined;
    setHeader(key: string, value: string): any;
    end(): any;
  },
  next: (err?: any) => any,
) => void;

export = cors;

/// <reference types="node" />

type Parse = typeof parse;

declare namespace parse {
  /** The options of secure-json-parse 4. */
  type ParseOptions = {
    /** What is done about a member `__proto__`: a SyntaxError (the default), its removal, or nothing. */
    protoAction?: 'error' | 'remove' | 'ignore';
    /** The same for a member `constructor` that owns a `prototype`. */
    constructorAction?: 'error' | 'remove' | 'ignore';
    /** Whether `null` takes the place of an error. */
    safe?: boolean;
  };
  type ScanOptions = ParseOptions;
  type Reviver = (this: any, key: string, value: any) => any;

  const parse: Parse;
  /** `null` for what is refused, `undefined` for what is no JSON. */
  function safeParse(text: string | Buffer, reviver?: Reviver | null): any;
  /** Checks a parsed value, and removes from it what the options say. */
  function scan(obj: { [key: string | number]: any }, options?: ParseOptions): any;
  export { parse, ParseOptions, ScanOptions, Reviver, safeParse, scan, parse as default };
}

declare function parse(text: string | Buffer, options?: parse.ParseOptions): any;
declare function parse(text: string | Buffer, reviver?: parse.Reviver | null, options?: parse.ParseOptions): any;

export = parse;

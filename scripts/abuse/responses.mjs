const HEAD_END = Buffer.from('\r\n\r\n');

/** Reads the answers of one connection (RFC 9112): heads, bodies by length, in chunks, or until the end. */
export function createReader() {
  /** @type {{ status: number, body: string }[]} */
  const answers = [];
  let rest = Buffer.alloc(0);
  let fault = '';

  function read(isEnd) {
    while (!fault && rest.length > 0) {
      const end = rest.indexOf(HEAD_END);
      if (end === -1) {
        if (isEnd) fault = `a head without an end: ${rest.subarray(0, 100).toString('latin1')}`;
        return;
      }
      const [line, ...fields] = rest.subarray(0, end).toString('latin1').split('\r\n');
      const status = Number(/^HTTP\/1\.1 ([1-5]\d\d) [^\r\n]*$/.exec(line)?.[1]);
      if (!status) return void (fault = `no status line: ${line.slice(0, 100)}`);
      const bodyStart = end + HEAD_END.length;
      const length = status < 200 || status === 204 || status === 304 ? 0 : bodyLength(rest, bodyStart, fields, isEnd);
      if (length === undefined) return void (isEnd && (fault = `${status}: a body cut short`));
      if (status >= 200) {
        answers.push({ status, body: rest.subarray(bodyStart, bodyStart + length).toString('latin1') });
      }
      rest = rest.subarray(bodyStart + length);
    }
  }

  return {
    /** @param {Buffer} bytes */
    take(bytes) {
      rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
      read(false);
    },
    count: () => answers.length,
    end() {
      read(true);
      return { answers, fault };
    },
  };
}

/**
 * @param {Buffer} bytes @param {number} start @param {string[]} fields @param {boolean} isEnd
 * @returns {number | undefined} undefined while it is not all there
 */
function bodyLength(bytes, start, fields, isEnd) {
  const length = fields.map((field) => /^content-length: *(\d+)$/i.exec(field)?.[1]).find(Boolean);
  if (length !== undefined) return bytes.length >= start + Number(length) ? Number(length) : undefined;
  if (!fields.some((field) => /^transfer-encoding: *chunked$/i.test(field))) {
    return isEnd ? bytes.length - start : undefined;
  }
  let at = start;
  for (;;) {
    const end = bytes.indexOf('\r\n', at);
    if (end === -1) return undefined;
    const size = parseInt(bytes.subarray(at, end).toString('latin1'), 16);
    at = end + 2 + size + 2;
    if (at > bytes.length) return undefined;
    if (size === 0) return at - start;
  }
}

// The bodies that the benchmarks of json() read: records as an API gets them, in several sizes and scripts.

const ASCII = {
  names: ['Ada Lovelace', 'Grace Hopper', 'Alan Turing', 'Edsger Dijkstra'],
  text: 'Sends the weekly report to everybody who asked for it and keeps a copy for the archive.',
};
const MIXED = {
  names: ['Ada Lovelace', 'Sofía Kovalévskaya', 'Алан Тьюринг', '陳景潤'],
  text: 'Schickt den wöchentlichen Bericht an alle, die ihn möchten — und behält eine Kopie für später (週報).',
};
// One character beyond ASCII in about a kilobyte: a name or a typographic mark.
const SPARSE = { ...ASCII, text: `${`${ASCII.text} `.repeat(8)}That’s all.` };

/** @param {typeof ASCII} words @param {number} number */
function record({ names, text }, number) {
  return {
    id: 100_000 + number,
    name: names[number % names.length],
    email: `user${number}@example.com`,
    isActive: number % 3 > 0,
    score: ((number * 7919) % 1000) / 8,
    tags: ['alpha', 'beta', `t${number % 17}`],
    address: {
      street: `${number} Main Street`,
      city: 'Springfield',
      zip: `${10_000 + number}`,
      geo: { lat: 48.2, lng: -16.4 },
    },
    note: text,
    manager: number % 5 === 0 ? null : { id: number - 1, since: '2024-05-06T07:08:09.000Z' },
  };
}

/**
 * A body of about `size` bytes.
 * @param {number} size
 * @param {typeof ASCII} words
 */
function body(size, words) {
  if (size < 300) {
    return Buffer.from(
      JSON.stringify({
        id: 17,
        name: words.names[3],
        email: 'user17@example.com',
        isActive: true,
        score: 12.5,
        tags: ['alpha', 'beta'],
        note: words.text.slice(0, 24),
      }),
    );
  }
  const records = [];
  for (let length = 20; length < size;) {
    records.push(record(words, records.length));
    length += Buffer.byteLength(JSON.stringify(records.at(-1))) + 1;
  }
  return Buffer.from(JSON.stringify({ items: records, next: null }));
}

export const SIZES = {
  '150 B': 150,
  '2 KB': 2_000,
  '10 KB': 10_000,
  '100 KB': 100_000,
  '1 MB': 1_000_000,
  '10 MB': 10_000_000,
};

/** Bodies without anything that a rule looks for: by title, with the words that fill them. */
export const CLEAN = Object.fromEntries(
  Object.entries({ ASCII, mixed: MIXED, sparse: SPARSE }).flatMap(([script, words]) =>
    Object.entries(SIZES)
      .filter(([, size]) => script === 'ASCII' || (size >= 2_000 && size <= 1_000_000))
      .map(([title, size]) => [`${title} ${script}`, body(size, words)]),
  ),
);

/** The same with an operator and a `__proto__` in the last record. */
export const FLAGGED = Object.fromEntries(
  Object.entries(SIZES).map(([title, size]) => {
    const text = body(size, ASCII).toString();
    return [`${title} flagged`, Buffer.from(`${text.slice(0, -1)},"filter":{"$gt":""},"__proto__":{"isAdmin":true}}`)];
  }),
);

/** Small texts that cost a parser more than their size. */
export const BOMBS = {
  '5,000 nested [': Buffer.from('['.repeat(5_000) + ']'.repeat(5_000)),
  '100,000 keys': Buffer.from(
    JSON.stringify(Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`k${at}`, 1]))),
  ),
  '1 MB of digits': Buffer.from(`[${'7'.repeat(1_000_000)}]`),
  '300,000 []': Buffer.from(`[${'[],'.repeat(299_999)}[]]`),
};

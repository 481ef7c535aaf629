// Forms and query strings by chance, the same on every run.

/** A small random generator with a fixed seed (mulberry32), so that the file never changes by itself. */
function seeded(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
export const random = seeded(20261120);
const below = (n) => Math.floor(random() * n);
export const pick = (list) => list[below(list.length)];

const names = [
  'a',
  'b',
  'a',
  'c',
  '0',
  '1',
  '5',
  '',
  'utf8',
  'length',
  '__proto__',
  'toString',
  'a%62',
  '%61',
  'a+b',
  '%C3%A9',
  '\xe9',
  '%',
  '%zz',
  ']',
  'a]b',
  '$ne',
  'x.y',
];
const inner = [
  '',
  '',
  '',
  'b',
  'c',
  'b',
  '0',
  '1',
  '2',
  '7',
  '19',
  '20',
  '21',
  '99',
  '100',
  '101',
  '150',
  '01',
  '-1',
  '__proto__',
  'x[y]',
  '[',
  '%5B',
  '%5D',
  '+',
  '%C3%A9',
  '%ff',
];
const values = [
  '',
  '1',
  '2',
  'x',
  'y',
  '%20',
  '+',
  '%41',
  '%C3%A9',
  '%e9',
  '%',
  '%4',
  '%zz',
  '\xe9',
  '\xc3\xa9',
  '%26%2365%3B',
  '%26%23128512%3B',
  'a]=b',
  'a=b',
  '[x]',
  '%5Bx%5D',
  '%00',
  '"',
  '%4+1\xe9',
];

function randomName() {
  let name = pick(names);
  while (random() < 0.45) {
    const [open, close] = random() < 0.2 ? ['%5B', '%5d'] : ['[', random() < 0.05 ? '' : ']'];
    name += open + pick(inner) + close + (random() < 0.03 ? 'z' : '');
  }
  return name;
}

/** Few names, so that the same place is reached in several ways. */
export function randomInput() {
  const parts = [];
  for (let left = 1 + below(7); left > 0; left--) {
    if (random() < 0.03) parts.push('');
    const name =
      random() < 0.5
        ? pick(['a', 'a[]', 'a[b]', 'a[0]', 'a[1]', 'a[101]', 'a[30]', 'a[b][]', 'a[][b]', 'a[0][b]', '0', '[0]'])
        : randomName();
    const value = pick(values);
    for (let times = random() < 0.1 ? below(4) : 1; times > 0; times--) {
      parts.push(random() < 0.1 ? name : `${name}=${value}`);
    }
  }
  return parts.join('&');
}

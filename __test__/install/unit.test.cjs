test('the package works inside a test runner', () => {
  const { rateLimit, sanitize } = require('carapace');
  expect(typeof rateLimit({ limit: 1 })).toBe('function');
  expect(sanitize.value(JSON.parse('{"$gt":1,"a":2}'))).toEqual({ a: 2 });
});

const { Piscina } = require('piscina');

const pool = new Piscina({ filename: require.resolve('./worker.cjs'), maxThreads: 2 });
Promise.all(Array.from({ length: 100 }, () => pool.run({})))
  .then((answers) => {
    if (!answers.every((answer) => answer === 'function')) throw new Error('wrong answer');
    console.log('ok');
    return pool.destroy();
  })
  .catch((error) => {
    console.error(error);
    process.exit(1);
  });

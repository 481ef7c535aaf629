import cors = require('./cors.js');
export default cors;

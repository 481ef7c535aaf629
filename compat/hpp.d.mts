import hpp = require('./hpp.js');
export default hpp;

import hpp from './hpp.js';

export default hpp;

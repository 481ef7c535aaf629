import mongoSanitize = require('./express-mongo-sanitize.js');
export default mongoSanitize;
export declare const has: typeof mongoSanitize.has;
export declare const sanitize: typeof mongoSanitize.sanitize;

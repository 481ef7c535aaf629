import mongoSanitize from './express-mongo-sanitize.js';

export default mongoSanitize;
export const { has, sanitize } = mongoSanitize;

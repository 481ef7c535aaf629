// Requests as a middleware sees them, without a network: what is measured or counted is the limiter.
import http from 'node:http';

const SOCKET = { remoteAddress: '192.0.2.1', encrypted: false };

/**
 * Sends one request through a middleware.
 * @param {Function} middleware
 * @param {string} client the key, for limiters with `keyGenerator: (request) => request.client`
 * @param {(status: number, request: any) => void} answered with 200 when the request went through
 */
export function ask(middleware, client, answered) {
  const request = {
    client,
    method: 'GET',
    url: '/',
    originalUrl: '/',
    headers: {},
    socket: SOCKET,
    connection: SOCKET,
  };
  const response = new http.ServerResponse(request);
  response.end = () => {
    answered(response.statusCode, request);
    return response;
  };
  middleware(request, response, (error) => answered(error ? 500 : 200, request));
}

'use strict';

/** Policies of headers that browsers only report: each option with its twin. */
const TWINS = {
  contentSecurityPolicy: 'contentSecurityPolicyReportOnly',
  crossOriginEmbedderPolicy: 'crossOriginEmbedderPolicyReportOnly',
  crossOriginOpenerPolicy: 'crossOriginOpenerPolicyReportOnly',
  permissionsPolicy: 'permissionsPolicyReportOnly',
  integrityPolicy: 'integrityPolicyReportOnly',
  documentIsolationPolicy: 'documentIsolationPolicyReportOnly',
};

/** Headers that forbid something, have no such twin, or stay in force in browsers afterwards. */
const WITHOUT_TWIN = ['crossOriginResourcePolicy', 'strictTransportSecurity', 'xFrameOptions', 'originAgentCluster'];

/** What every preset sends of those with a twin. */
const ALWAYS_SENT = ['contentSecurityPolicy'];

/**
 * The options of `securityHeaders` for a chain that only reports: nothing that a page does is forbidden.
 * @param {Record<string, any>} options
 * @returns {Record<string, any>}
 */
function reportHeaders(options) {
  const result = { ...options };
  for (const [name, twin] of Object.entries(TWINS)) {
    const isSent = options[name] ?? ALWAYS_SENT.includes(name);
    result[name] = false;
    if (isSent !== false) result[twin] ??= options[name] ?? {};
  }
  for (const name of WITHOUT_TWIN) result[name] = false;
  return result;
}

module.exports = { reportHeaders };

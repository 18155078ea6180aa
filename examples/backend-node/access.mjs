// What a browser needs to follow one task: a token for that task only.

import { createHmac } from 'node:crypto'

/**
 * A token as the server's `auth.mode: jwt` with HS256 takes it. Any JWT library makes the same.
 * @param {string} secret
 * @param {string} taskId
 * @param {number} seconds Until it ends. The page comes back for another by itself.
 */
export function tokenForReader(secret, taskId, seconds) {
  return sign(secret, { scope: ['event:subscribe'], taskIds: [taskId], exp: now() + seconds })
}

/**
 * A token for this backend itself.
 * @param {string} secret
 */
export function tokenForBackend(secret) {
  return sign(secret, { sub: 'chat-backend', scope: ['*'], exp: now() + 300 })
}

/**
 * @param {string} secret
 * @param {object} claims
 */
function sign(secret, claims) {
  const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}

const encode = (/** @type {object} */ value) =>
  Buffer.from(JSON.stringify(value)).toString('base64url')
const now = () => Date.now() / 1000

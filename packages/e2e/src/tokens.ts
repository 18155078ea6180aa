/** Tokens, as a server with this secret takes them. */

import { createHmac } from 'node:crypto'

const secret = 'a secret of these tests, long enough for HS256'

/** Settings of a server that asks for tokens. */
export const guarded = {
  TASKCAST_AUTH_MODE: 'jwt',
  TASKCAST_JWT_SECRET: secret,
  TASKCAST_AUTH_JWT_LEEWAY_SECONDS: '0',
}

/** Signs one. */
export function token(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const text = `${part({ alg: 'HS256' })}.${part(claims)}`
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}

/** Which client a hook uses. */

import { type ClientOptions, TaskcastClient } from '@taskcast/client'
import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef } from 'react'

const Context = createContext<TaskcastClient | undefined>(undefined)

/** Gives a client to the hooks below it. */
export function TaskcastProvider(props: { client: TaskcastClient; children?: ReactNode }) {
  return <Context.Provider value={props.client}>{props.children}</Context.Provider>
}

/** The client itself, or how to make one; with neither, the one of the {@link TaskcastProvider}. */
export interface UseClient extends Partial<ClientOptions> {
  client?: TaskcastClient | undefined
}

/**
 * The client for these options. It stays the same when the token or `fetch` changes: whatever is
 * newest is used for the next connection, and nothing that is shown starts anew.
 */
export function useClient(options: UseClient): TaskcastClient {
  const given = useContext(Context)
  const { client, baseUrl, heartbeatTimeout } = options
  const latest = useRef(options)
  useEffect(() => {
    latest.current = options
  })
  // A client that was refused for want of a token is not asked again, so its first token makes another.
  const authorized = options.token !== undefined
  const made = useMemo(() => {
    if (baseUrl === undefined) return undefined
    return new TaskcastClient({
      baseUrl,
      heartbeatTimeout,
      token: authorized ? () => tokenOf(latest.current) : undefined,
      fetch: (...request) => (latest.current.fetch ?? fetch)(...request),
    })
  }, [baseUrl, heartbeatTimeout, authorized])
  const found = client ?? made ?? given
  if (found === undefined) {
    throw new Error('no Taskcast client: pass `client` or `baseUrl`, or use a TaskcastProvider')
  }
  return found
}

function tokenOf({ token }: UseClient) {
  return typeof token === 'function' ? token() : token
}

/** A TCP proxy on loopback that cuts its connections, by a seed. */

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A proxy under way. */
export interface Proxy {
  url: string
  /** How many connections there were. */
  readonly connections: number
  /** Whether new connections are refused and old ones cut: the network is gone. */
  offline: boolean
  close(): Promise<void>
}

/** When connections are cut: each after a time between these, in milliseconds. */
export interface Cuts {
  seed: number
  min: number
  max: number
}

/** Starts a proxy before a server; without `cuts` it only counts. */
export async function cuttingProxy(targetUrl: string, cuts?: Cuts): Promise<Proxy> {
  const { port, hostname } = new URL(targetUrl)
  const random = randomOf(cuts?.seed ?? 0)
  const open = new Set<Socket>()
  let connections = 0
  let offline = false
  const server = createServer((near) => {
    if (offline) {
      near.resetAndDestroy()
      return
    }
    connections += 1
    const far = connect(Number(port), hostname)
    const cut = () => {
      near.destroy()
      far.destroy()
    }
    const timer = cuts && setTimeout(cut, cuts.min + random() * (cuts.max - cuts.min))
    for (const socket of [near, far]) {
      open.add(socket)
      socket.on('error', cut)
      socket.on('close', () => {
        open.delete(socket)
        clearTimeout(timer)
        cut()
      })
    }
    near.pipe(far).pipe(near)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const drop = () => {
    for (const socket of open) socket.destroy()
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return connections
    },
    get offline() {
      return offline
    },
    set offline(now) {
      offline = now
      if (now) drop()
    },
    async close() {
      server.close()
      drop()
      await once(server, 'close')
    },
  }
}

/** A small generator (mulberry32): the same seed gives the same cuts. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

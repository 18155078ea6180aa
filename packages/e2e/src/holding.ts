/** A proxy that holds what a server sends until there is a heartbeat in it, or the end. */

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** How a body that is sent in chunks ends. */
const lastChunk = Buffer.from('0\r\n\r\n')

/** Starts one before a server. It passes requests on at once. */
export async function holdingProxy(targetUrl: string) {
  const { port, hostname } = new URL(targetUrl)
  const open = new Set<Socket>()
  let releases = 0
  const server = createServer((near) => {
    const far = connect(Number(port), hostname)
    let held: Buffer[] = []
    const release = () => {
      near.write(Buffer.concat(held))
      held = []
    }
    near.pipe(far)
    far.on('data', (bytes) => {
      held.push(bytes)
      const text = Buffer.concat(held).toString('latin1')
      const streams = text.includes('text/event-stream')
      if (!streams && !streaming.has(near)) return release()
      streaming.add(near)
      const ended = bytes.subarray(-5).equals(lastChunk)
      if (!ended && !bytes.includes(': hb')) return
      if (ended) streaming.delete(near)
      else releases += 1
      release()
    })
    far.on('end', () => {
      release()
      near.end()
    })
    for (const socket of [near, far]) {
      open.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => {
        open.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
  })
  const streaming = new WeakSet<Socket>()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** How often something was let through at a heartbeat. */
    get releases() {
      return releases
    },
    async close() {
      server.close()
      for (const socket of open) socket.destroy()
      await once(server, 'close')
    },
  }
}

/** A real server, a proxy that cuts, and streams written by hand. */

export { cuttingProxy, type Proxy } from './proxy.js'
export { type Answer, type ScriptedCall, scripted } from './scripted.js'
export { findServer, type Server, type ServerOptions, startServer } from './server.mjs'

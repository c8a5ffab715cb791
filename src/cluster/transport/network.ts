import net from 'node:net'

/**
 * Opens one TCP connection: the one way this program reaches anything. The transport and the probes get it injected, so that tests and
 * the demo bring a network of their own. Returns at once; `connect` or `error` follows on the socket.
 */
export type OpenSocket = (host: string, port: number) => net.Socket

/** The operator's own network. Small requests wait for nothing: no Nagle. */
export const openSocket: OpenSocket = (host, port) => net.connect({ host, port, noDelay: true })

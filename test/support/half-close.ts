import { connect } from 'node:net'

/**
 * What comes back to a client that sends all it has to say, ends its half of the connection and waits, as `nc -N` does:
 * everything until the other half ends, or the error that it ended with.
 */
export function askAndEnd(url: string, bytes: Uint8Array): Promise<Buffer> {
  const { hostname, port } = new URL(url.replace(/^\w+:/, 'http:'))
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true }, () => socket.end(bytes))
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.once('error', reject)
    socket.once('close', () => resolve(Buffer.concat(chunks)))
  })
}

// The plain relay that a bridge is compared with: every connection is piped to a target, TCP_NODELAY on, nothing else.
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'

const target = Number(process.argv[2])
const server = createServer({ noDelay: true }, (incoming) => {
  const outgoing = connect({ port: target, host: '127.0.0.1', noDelay: true })
  incoming.pipe(outgoing)
  outgoing.pipe(incoming)
  incoming.on('error', () => outgoing.destroy())
  outgoing.on('error', () => incoming.destroy())
})
server.listen(0, '127.0.0.1', () =>
  process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`),
)
process.stdin.on('end', () => process.exit(0)).resume()

import { once } from 'node:events'
import { connect as netConnect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { connect as tlsConnect, createServer as createTlsServer } from 'node:tls'
import { firstValueFrom } from 'rxjs'
import { acceptChannel, connectChannel } from '@gridseal/channel'
import type { Channel } from '@gridseal/channel'
import { SigningKey } from '@gridseal/pqc'
import { connect, listen } from '@gridseal/transport'
import type { Listener } from '@gridseal/transport'
import { selfSigned } from './self-signed.ts'

/** One established way from a sender to a receiver over loopback TCP, both in this process. */
export interface Pipe {
  /** False: wait for {@link drained}. */
  send(message: Uint8Array): boolean
  drained(): Promise<void>
  /** Payload bytes that have arrived. */
  received(): number
  close(): Promise<void>
}

/** Something that is measured beside others: makes one connection with everything a handshake costs. */
export interface Contender {
  readonly name: string
  open(): Promise<Pipe>
  stop(): Promise<void>
}

/**
 * The channel over the transport, ML-DSA-65 identities on both sides; `lends` where the receiver is done with a message when
 * its handler returns, as the receivers of the others are.
 */
export async function channelContender(name: string, lendMessages: boolean): Promise<Contender> {
  const [client, server] = [SigningKey.generate('ML-DSA-65'), SigningKey.generate('ML-DSA-65')]
  const listener: Listener = await listen('tcp://127.0.0.1:0')
  const waiting: ((channel: Channel) => void)[] = []
  const subscription = listener.connections.subscribe((connection) => {
    void acceptChannel(connection, { identity: server, peers: () => client.publicKey, lendMessages }).then((channel) =>
      waiting.shift()?.(channel),
    )
  })
  return {
    name,
    async open() {
      const { promise, resolve } = Promise.withResolvers<Channel>()
      waiting.push(resolve)
      const connection = await connect(listener.url)
      const near = await connectChannel(connection, { identity: client, peer: server.publicKey })
      const far = await promise
      near.messages.subscribe()
      let received = 0
      far.messages.subscribe(({ bytes }) => (received += bytes.length))
      return {
        send: (message) => near.send(1, message),
        drained: () => firstValueFrom(near.drained),
        received: () => received,
        close: () => near.close(),
      }
    },
    async stop() {
      subscription.unsubscribe()
      await listener.close()
    },
  }
}

/** Node's TCP socket: neither encryption nor message boundaries. */
export function tcpContender(): Promise<Contender> {
  const server = createServer({ noDelay: true })
  return socketContender('node tcp', server, 'connection', async (port) => {
    const socket = netConnect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    return socket
  })
}

/** Node's TLS 1.3 with a hybrid group and ECDSA certificates on both sides, no resumption. */
export function tlsContender(): Promise<Contender> {
  const { key, cert } = selfSigned()
  const options = { key, cert, ca: cert, minVersion: 'TLSv1.3', ecdhCurve: 'X25519MLKEM768' } as const
  const server = createTlsServer({ ...options, requestCert: true, rejectUnauthorized: true, noDelay: true })
  return socketContender('node tls 1.3', server, 'secureConnection', async (port) => {
    const socket = tlsConnect({ ...options, port, host: '127.0.0.1', checkServerIdentity: () => undefined })
    await once(socket, 'secureConnect')
    socket.setNoDelay(true)
    return socket
  })
}

async function socketContender(
  name: string,
  server: Server,
  event: 'connection' | 'secureConnection',
  dial: (port: number) => Promise<Socket>,
): Promise<Contender> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    name,
    async open() {
      const accepted = once(server, event) as Promise<[Socket]>
      const near = await dial(port)
      const [far] = await accepted
      let received = 0
      far.on('data', (chunk) => (received += chunk.length))
      near.resume()
      return {
        send: (message) => near.write(message),
        drained: async () => void (await once(near, 'drain')),
        received: () => received,
        async close() {
          near.end()
          await once(near, 'close')
        },
      }
    },
    async stop() {
      server.close()
      await once(server, 'close')
    },
  }
}

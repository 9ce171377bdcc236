import { acceptChannel, connectChannel } from '@gridseal/channel'
import type { AcceptOptions, Channel, ChannelMessage, ConnectOptions } from '@gridseal/channel'
import type { MemoryOptions } from '@gridseal/transport'
import { FIELD, HEAD, pinned } from './identities.ts'
import { tappedPair } from './tapped-connection.ts'
import type { TappedConnection } from './tapped-connection.ts'

export interface ChannelPair {
  readonly client: Channel
  readonly server: Channel
  readonly clientEnd: TappedConnection
  readonly serverEnd: TappedConnection
}

export const CONNECT: ConnectOptions = { identity: FIELD, peer: HEAD.publicKey }
export const ACCEPT: AcceptOptions = { identity: HEAD, peers: pinned(FIELD) }

/** An established channel over memory. */
export async function channelPair(
  client: Partial<ConnectOptions> = {},
  server: Partial<AcceptOptions> = {},
  connection: MemoryOptions = {},
): Promise<ChannelPair> {
  const [clientEnd, serverEnd] = tappedPair(connection)
  const [a, b] = await Promise.all([
    connectChannel(clientEnd, { ...CONNECT, ...client }),
    acceptChannel(serverEnd, { ...ACCEPT, ...server }),
  ])
  return { client: a, server: b, clientEnd, serverEnd }
}

/** Subscribes and keeps what comes, as `port:text`. */
export function collect(channel: Pick<Channel, 'messages'>): {
  readonly texts: string[]
  readonly messages: ChannelMessage[]
} {
  const texts: string[] = []
  const messages: ChannelMessage[] = []
  channel.messages.subscribe((message) => {
    messages.push(message)
    texts.push(`${message.port}:${Buffer.from(message.bytes).toString()}`)
  })
  return { texts, messages }
}

/** Lets everything happen that needs no time. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** What a call is refused with: the code of its error. */
export async function refusal(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'not refused',
    (error: { code?: string }) => error.code ?? String(error),
  )
}

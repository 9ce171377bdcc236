import { ProtocolError, UsageError } from '@gridseal/wire'
import { Channel } from './channel.ts'
import type { ChannelConnection } from './connection.ts'
import { startInitiator, stepInitiator } from './handshake/initiator.ts'
import { HANDSHAKE_LIMIT } from './handshake/machine.ts'
import { startResponder, stepResponder } from './handshake/responder.ts'
import { findSharedKey, initiatorConfig, responderConfig } from './handshake-config.ts'
import { observeHandshake } from './observability/observe.ts'
import { settleAccept, settleConnect } from './options.ts'
import type { AcceptOptions, ConnectOptions, Settings } from './options.ts'
import type { Admission } from './protection/guard.ts'
import { FrameStream } from './stream/frame-stream.ts'
import { runHandshake } from './stream/run-handshake.ts'
import type { Begun } from './stream/run-handshake.ts'

/**
 * Opens a channel as the end that calls. Resolves when both ends have proven who they are; rejects with the exact
 * reason, after the connection is closed. Throws {@link UsageError} for wrong options.
 *
 * @example
 * const channel = await connectChannel(await connect('tcp://head-end:4712'), { identity, peer })
 * channel.messages.subscribe(({ port, bytes }) => handle(port, bytes))
 * channel.send(1, message)
 */
export async function connectChannel(connection: ChannelConnection, options: ConnectOptions): Promise<Channel> {
  const settings = settleConnect(options)
  const { identity } = settings
  const stream = claim(connection)
  const begun = await observeHandshake('initiator', settings, async () => {
    try {
      const config = await initiatorConfig(settings, options.peer, 'strict')
      return await runHandshake(stream, {
        first: startInitiator(config),
        step: (state, input) => stepInitiator(config, state, input),
        identity,
        timeout: settings.handshakeTimeout,
        clock: settings.clock,
      })
    } catch (error) {
      // Also what fails before the first message, as when no pre-shared key can be had.
      stream.cut()
      await stream.finish()
      throw error
    }
  })
  return open(stream, begun, settings)
}

/**
 * Opens a channel as the end that listens. Resolves and rejects as {@link connectChannel}; a stranger is refused
 * before any key agreement or signature is computed.
 */
export async function acceptChannel(connection: ChannelConnection, options: AcceptOptions): Promise<Channel> {
  const settings = settleAccept(options)
  const remote = connection.remote ?? ''
  const stream = claim(connection)
  const admission = settings.guard?.admit(remote, performance.now())
  if (settings.guard !== undefined && admission === undefined) {
    // Nothing is said: an answer would be work, too.
    stream.cut()
    throw new ProtocolError('channel.limit', 'too many connections', { remote })
  }
  let outcome: 'established' | 'failed' | 'timedOut' = 'failed'
  try {
    const channel = await runResponder(stream, settings, options.peers, admission)
    outcome = 'established'
    return channel
  } catch (error) {
    if (error instanceof ProtocolError && error.code === 'channel.handshake.timeout') outcome = 'timedOut'
    throw error
  } finally {
    admission?.settled(outcome)
  }
}

async function runResponder(
  stream: FrameStream,
  settings: Settings,
  peers: AcceptOptions['peers'],
  admission: Admission | undefined,
): Promise<Channel> {
  const { identity } = settings
  const config = responderConfig(settings, peers, { ordering: 'strict', address: ANYWHERE, admission })
  const begun = await observeHandshake('responder', settings, () =>
    runHandshake(stream, {
      first: startResponder(),
      step: (state, input) => stepResponder(config, state, input),
      identity,
      findKey: (id, initiator) => findSharedKey(settings, id, initiator),
      timeout: settings.handshakeTimeout,
      firstTimeout: Math.min(settings.helloTimeout, settings.handshakeTimeout),
      clock: settings.clock,
    }),
  )
  return open(stream, begun, settings)
}

/** The channel over a stream whose handshake is done; a stream that has none is cut. */
function open(stream: FrameStream, begun: Begun, settings: Settings): Channel {
  try {
    return new Channel(stream, begun, settings)
  } catch (error) {
    stream.cut()
    throw error
  }
}

/** A connection has its address by itself; a cookie of one is worthless on another all the same. */
const ANYWHERE = new Uint8Array(0)

const claimed = new WeakSet<ChannelConnection>()

/** One channel per connection, ever: a second handshake on it could only be confused with the first. */
function claim(connection: ChannelConnection): FrameStream {
  if (claimed.has(connection)) {
    throw new UsageError('channel.connection', 'the connection carries a channel already')
  }
  claimed.add(connection)
  return new FrameStream(connection, HANDSHAKE_LIMIT)
}

import type { GridsealError } from '@gridseal/wire'

/**
 * A message as it came out of the channel; `bytes` belong to the receiver, unless it has the option `lendMessages`. They
 * may lie in one buffer with those of other small messages, up to 16 KiB together.
 */
export interface ChannelMessage {
  /** Multiplexing number, 0 to 65535. */
  readonly port: number
  readonly bytes: Uint8Array
}

/**
 * How a channel ended.
 * - `local`: `close` was called here and the peer confirmed; nothing was lost. On a stream a peer that closed at the same time
 *   has not confirmed: it may have been cut off before all had come, and then says so itself.
 * - `close_notify`: the peer closed in good order; nothing was lost.
 * - `truncated`: the connection ended without the peer's close_notify; messages may be missing.
 * - `alert`: the peer found a fault.
 * - `error`: this end found a fault; `error` says which.
 */
export interface ChannelEnd {
  readonly kind: 'local' | 'close_notify' | 'truncated' | 'alert' | 'error'
  readonly error?: GridsealError
}

/** How one message is sent. */
export interface SendOptions {
  /**
   * Milliseconds after which the peer throws the message away, whatever held it back: for commands that must not come
   * late. Counted so that the time may seem shorter by as much as the hellos took, never longer. Default: for ever.
   */
  readonly ttl?: number
}

/** What a channel counts, from its establishment on. */
export interface ChannelCounters {
  /** Messages that `send` sealed and gave to the connection. */
  readonly messagesSent: number
  /** Bytes of those messages, without record overhead. */
  readonly bytesSent: number
  /** Messages opened and handed to the subscriber. */
  readonly messagesReceived: number
  /** Bytes of those messages, without record overhead. */
  readonly bytesReceived: number
  /** Epochs that this end ended because a limit of records or bytes was reached. */
  readonly rekeysSent: number
  /** Epochs that the peer ended. */
  readonly rekeysReceived: number
  /** Fresh key agreements within the session that were completed, whoever began them. */
  readonly rekeysCompleted: number
  /** Messages that came later than their sender allowed, and were thrown away. */
  readonly expired: number
  /** Messages given to `send` after the channel had begun to close; they did not leave. */
  readonly refused: number
  /** Messages that arrived during `close` while nobody was subscribed. */
  readonly unread: number
}

/** {@link ChannelCounters} from the inside. */
export type MutableCounters = { -readonly [K in keyof ChannelCounters]: number }

export function newCounters(): MutableCounters {
  return {
    messagesSent: 0,
    bytesSent: 0,
    messagesReceived: 0,
    bytesReceived: 0,
    rekeysSent: 0,
    rekeysReceived: 0,
    rekeysCompleted: 0,
    expired: 0,
    refused: 0,
    unread: 0,
  }
}

import { UsageError } from '@gridseal/wire'

const MAX_PORT = 0xffff

/** Throws {@link UsageError} `channel.message.port`, or `channel.message.length` where `most` bytes are possible. */
export function checkMessage(port: number, message: Uint8Array, most: number): void {
  if (!Number.isInteger(port) || port < 0 || port > MAX_PORT) {
    throw new UsageError('channel.message.port', `port must be 0 to ${MAX_PORT}, not ${port}`)
  }
  if (message.length > most) {
    const text = `a message of ${message.length} bytes, at most ${most} are possible`
    throw new UsageError('channel.message.length', text)
  }
}

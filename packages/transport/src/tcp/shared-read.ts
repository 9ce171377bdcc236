import type { OnReadOpts } from 'node:net'

/** What one read of a socket may bring. */
const READ_SIZE = 64 * 1024
/**
 * Every socket of the process reads into these bytes, and what came is copied out before the next read. So a short answer
 * does not cost a block of 64 KiB, which is what Node.js takes for each read otherwise, nor does an idle connection hold
 * one.
 */
let shared: Buffer | undefined

/** Where the bytes of one socket go once somebody wants them. */
export class SharedRead {
  /** Takes a chunk, and says whether to go on reading. */
  deliver: (chunk: Uint8Array) => boolean = () => true
  /** For the socket's constructor; undefined where the system reads into buffers while others are in use, too. */
  readonly options: OnReadOpts | undefined =
    process.platform === 'win32'
      ? undefined
      : {
          buffer: (shared ??= Buffer.allocUnsafeSlow(READ_SIZE)),
          callback: (length, bytes) => this.deliver(copied(bytes, length)),
        }
}

/** Small chunks lie together in a block of Node.js, which is cheaper than one of their own. */
function copied(bytes: Uint8Array, length: number): Uint8Array {
  const chunk = Buffer.allocUnsafe(length)
  ;(bytes as Buffer).copy(chunk, 0, 0, length)
  return chunk
}

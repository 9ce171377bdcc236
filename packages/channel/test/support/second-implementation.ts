import { createDecipheriv, createHash } from 'node:crypto'

/*
 * The key schedule and the record layer once more, written from docs/channel-protocol.md and from nothing else, with
 * node:crypto alone. What the package sends must be what this reads.
 */

const ascii = (text: string): Buffer => Buffer.from(text, 'ascii')

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

export function kdf(label: string, inputs: readonly Uint8Array[], length: number): Buffer {
  const hash = createHash('shake256', { outputLength: length })
  hash.update(u32(label.length)).update(ascii(label)).update(u32(inputs.length))
  for (const input of inputs) hash.update(u32(input.length)).update(input)
  return hash.digest()
}

export function sha512(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha512')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

export const name = (what: string): string => `gridseal-channel-3 ${what}`

/** Opens a record of the epoch with this secret; throws if it is not authentic. */
export function openTraffic(secret: Uint8Array, record: Uint8Array): { sequence: bigint; content: Buffer } {
  return open(kdf(name('record keys'), [secret], 44), record)
}

/** Opens a record under key || IV; throws if it is not authentic. */
export function open(derived: Buffer, record: Uint8Array): { sequence: bigint; content: Buffer } {
  const bytes = Buffer.from(record)
  const nonce = Buffer.from(derived.subarray(32))
  for (let i = 0; i < 8; i++) nonce[4 + i]! ^= bytes[5 + i]!
  const decipher = createDecipheriv('aes-256-gcm', derived.subarray(0, 32), nonce, { authTagLength: 16 })
  decipher.setAAD(bytes.subarray(5, 13)).setAuthTag(bytes.subarray(bytes.length - 16))
  const content = Buffer.concat([decipher.update(bytes.subarray(13, bytes.length - 16)), decipher.final()])
  return { sequence: bytes.readBigUInt64BE(5), content }
}

/** The messages of a data, timedData or bundle content: port, time to live where there is one, text. */
export function messagesOf(content: Buffer): string[] {
  switch (content[0]) {
    case 0x10:
      return [`${content.readUInt16BE(1)}:${content.subarray(3).toString()}`]
    case 0x19:
      return [`${content.readUInt16BE(7)}:${content.subarray(9).toString()} until ${content.readUIntBE(1, 6)}`]
    case 0x1a: {
      const messages: string[] = []
      for (let at = 1; at < content.length;) {
        const end = at + 4 + content.readUInt32BE(at)
        messages.push(...messagesOf(content.subarray(at + 4, end)))
        at = end
      }
      return messages
    }
    default:
      throw new RangeError(`content ${content[0]}`)
  }
}

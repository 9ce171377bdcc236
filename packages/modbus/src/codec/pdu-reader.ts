import { DecodeError, Reader } from '@gridseal/wire'

/**
 * Reads a PDU and tells two kinds of wrong apart. A field that is not there is *malformed* and always throws. A value
 * that is there but which the standard forbids (quantity 0, bytes left over) is a *violation*: it throws in a strict
 * reader, while a tolerant one notes the first and reads on, because a capture of such a frame can still be told.
 */
export class PduReader extends Reader {
  readonly #strict: boolean
  #violation: DecodeError | undefined

  constructor(bytes: Uint8Array, start: number, end: number, strict: boolean) {
    super(bytes, start, end)
    this.#strict = strict
  }

  /** The first violation that a tolerant reader met. */
  get violation(): DecodeError | undefined {
    return this.#violation
  }

  /** Reports a value of `length` bytes that was just read. */
  refuse(code: string, field: string, length: number, message: string): void {
    this.#report(new DecodeError(code, this.offset - length, field, message))
  }

  /** Reports bytes left over. */
  finish(): void {
    if (this.atEnd) return
    this.#report(new DecodeError('decode.trailing', this.offset, 'pdu', `${this.remaining} bytes left over`))
  }

  #report(error: DecodeError): void {
    if (this.#strict) throw error
    this.#violation ??= error
  }
}

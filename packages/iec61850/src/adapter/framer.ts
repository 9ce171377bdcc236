import type { Framer, FramerOptions } from '@gridseal/adapter'
import type { DecodeError } from '@gridseal/wire'
import { openFrame } from '../codec/process-bus/header.ts'
import { openRoutable } from '../codec/routable/open.ts'

/** One frame or datagram per chunk: what is pushed is one with a sound header, or nothing. */
export class BusFramer implements Framer {
  readonly #protocol: 'goose' | 'sv'
  readonly #etherType: number
  readonly #apduTag: number
  readonly #routable: boolean
  readonly #keepInvalid: boolean
  #discarded = 0
  #invalid = 0
  readonly pending: number = 0

  constructor(
    protocol: 'goose' | 'sv',
    etherType: number,
    apduTag: number,
    routable: boolean,
    { keepInvalid = false }: FramerOptions,
  ) {
    this.#protocol = protocol
    this.#etherType = etherType
    this.#apduTag = apduTag
    this.#routable = routable
    this.#keepInvalid = keepInvalid
  }

  push(chunk: Uint8Array): Uint8Array[] {
    const problems: DecodeError[] = []
    const { header, session } = this.#routable
      ? openRoutable(chunk, this.#protocol, problems)
      : openFrame(chunk, this.#etherType, this.#apduTag, problems)
    if (problems.length === 0) return [chunk]
    this.#invalid++
    // Something of another EtherType or session, or too short for one, is no frame of this protocol at all.
    if (this.#keepInvalid && (header !== undefined || session !== undefined)) return [chunk]
    this.#discarded += chunk.length
    return []
  }

  quiet(): Uint8Array[] {
    return []
  }

  reset(): void {}

  get discarded(): number {
    return this.#discarded
  }

  get invalid(): number {
    return this.#invalid
  }
}

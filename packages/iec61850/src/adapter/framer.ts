import type { Framer, FramerOptions } from '@gridseal/adapter'
import type { DecodeError } from '@gridseal/wire'
import { UsageError } from '@gridseal/wire'
import { openFrame } from '../codec/process-bus/header.ts'

/** Throws `UsageError` `adapter.framing`: Ethernet has one framing and needs no name for it. */
export function checkFraming(protocol: string, framing: string | undefined): void {
  if (framing !== undefined) throw new UsageError('adapter.framing', `${protocol} has no framings`)
}

/** One Ethernet frame per chunk: what is pushed is a frame with a sound header, or nothing. */
export class EthernetFramer implements Framer {
  readonly #etherType: number
  readonly #apduTag: number
  readonly #keepInvalid: boolean
  #discarded = 0
  #invalid = 0
  readonly pending: number = 0

  constructor(etherType: number, apduTag: number, { keepInvalid = false }: FramerOptions) {
    this.#etherType = etherType
    this.#apduTag = apduTag
    this.#keepInvalid = keepInvalid
  }

  push(chunk: Uint8Array): Uint8Array[] {
    const problems: DecodeError[] = []
    const { header } = openFrame(chunk, this.#etherType, this.#apduTag, problems)
    if (problems.length === 0) return [chunk]
    this.#invalid++
    // Something of another EtherType, or too short for one, is no frame of this protocol at all.
    if (this.#keepInvalid && header !== undefined) return [chunk]
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

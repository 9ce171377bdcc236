import type { Direction } from '@gridseal/adapter'
import { crc16Modbus } from '@gridseal/wire'
import { EXCEPTION_BIT } from '../codec/functions.ts'
import { MAX_RTU_ADU, MIN_RTU_ADU } from '../codec/limits.ts'
import type { PduSide } from '../codec/pdu-codec.ts'
import { decodeRequest, decodeResponse } from '../codec/pdu-codec.ts'
import { UNPREDICTABLE, predictPduLength } from '../codec/pdu-length.ts'
import type { Request } from '../codec/pdu.ts'
import { mismatch } from '../session/answer.ts'
import { DecodeError } from '@gridseal/wire'

/** A frame overheard on a serial line. */
export interface OverheardFrame {
  readonly direction: Direction
  readonly bytes: Uint8Array
}

/** Highest address of a device; 0 is a broadcast, which nobody answers. */
const MAX_ADDRESS = 247
const ADDRESS_AND_CRC = 3
/** An answer that has not come by then will not come (ms). */
const DEFAULT_PATIENCE = 1000

interface Waiting {
  readonly unit: number
  readonly functionCode: number
  readonly request: Request | undefined
  readonly since: number
}

/**
 * Cuts what a listener on a half-duplex RTU line hears, requests and answers in one stream of bytes, into frames, and
 * tells which is which. After a request its answer is expected: a frame of the same unit and function that fits what was
 * asked for. Any other frame is the next request, because masters go on when no answer comes. Where a frame could be
 * either (functions 5, 6 and others answer with an echo), it is the answer as long as one is expected.
 *
 * Pure: `now` is in milliseconds. What belongs to no frame is counted in `discarded`.
 *
 * @example
 * const listener = new HalfDuplexFramer()
 * for (const { direction, bytes } of listener.push(chunk, performance.now())) console.log(direction, bytes)
 */
export class HalfDuplexFramer {
  discarded = 0
  readonly #patience: number
  #held: Uint8Array = new Uint8Array(0)
  #waiting: Waiting | undefined

  constructor(patience: number = DEFAULT_PATIENCE) {
    this.#patience = patience
  }

  /** Bytes of an unfinished frame held now. */
  get pending(): number {
    return this.#held.length
  }

  push(chunk: Uint8Array, now: number): OverheardFrame[] {
    if (this.#waiting !== undefined && now - this.#waiting.since > this.#patience) this.#waiting = undefined
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    return this.#cut(bytes, now, false)
  }

  /** The line has been silent for longer than a frame allows: nothing more will come for an unfinished one. */
  quiet(now: number): OverheardFrame[] {
    const bytes = this.#held
    this.#held = new Uint8Array(0)
    return this.#cut(bytes, now, true)
  }

  #cut(bytes: Uint8Array, now: number, ended: boolean): OverheardFrame[] {
    const frames: OverheardFrame[] = []
    let at = 0
    while (at < bytes.length) {
      const found = this.#frameAt(bytes, at, ended)
      if (found === 'wait') break
      if (found === undefined) {
        this.discarded++
        at++
        continue
      }
      const frame = bytes.subarray(at, at + found.length)
      this.#note(frame, found.direction, now)
      frames.push({ direction: found.direction, bytes: frame })
      at += found.length
    }
    // A copy: the chunk belongs to the caller, and frames of it have been handed out.
    this.#held = bytes.slice(at)
    return frames
  }

  /** The frame that begins at `at`; `wait` where more bytes may make one. */
  #frameAt(
    bytes: Uint8Array,
    at: number,
    ended: boolean,
  ): { readonly direction: Direction; readonly length: number } | 'wait' | undefined {
    if (bytes[at]! > MAX_ADDRESS) return undefined
    const answer = this.#lengthAs('response', bytes, at)
    const request = this.#lengthAs('request', bytes, at)
    if (answer > 0 && this.#answers(bytes.subarray(at, at + answer))) return { direction: 'to-master', length: answer }
    if (request > 0) return { direction: 'to-device', length: request }
    // An answer to nothing that was heard: the listener came late, or the request was damaged.
    if (answer > 0) return { direction: 'to-master', length: answer }
    if (ended) return undefined
    return answer < 0 || request < 0 ? 'wait' : undefined
  }

  /** Length of a whole frame of a side at `at` whose CRC fits, -1 where bytes are missing, 0 where there is none. */
  #lengthAs(side: PduSide, bytes: Uint8Array, at: number): number {
    const predicted = predictPduLength(side, bytes, at + 1, bytes.length)
    if (predicted < 0) return -1
    const available = bytes.length - at
    if (predicted === UNPREDICTABLE) return unpredictable(bytes, at)
    const length = predicted + ADDRESS_AND_CRC
    if (length > MAX_RTU_ADU) return 0
    if (length > available) return -1
    return crcFits(bytes, at, at + length) ? length : 0
  }

  #answers(frame: Uint8Array): boolean {
    const waiting = this.#waiting
    if (waiting === undefined || frame[0] !== waiting.unit) return false
    const pdu = frame.subarray(1, frame.length - 2)
    if ((pdu[0]! & ~EXCEPTION_BIT) !== waiting.functionCode) return false
    if (waiting.request === undefined || pdu[0]! >= EXCEPTION_BIT) return true
    try {
      const response = decodeResponse(pdu)
      return response.kind !== 'exception' && mismatch(waiting.request, response) === undefined
    } catch (error) {
      if (error instanceof DecodeError) return false
      throw error
    }
  }

  #note(frame: Uint8Array, direction: Direction, now: number): void {
    const unit = frame[0]!
    if (direction === 'to-master' || unit === 0) {
      this.#waiting = undefined
      return
    }
    const pdu = frame.subarray(1, frame.length - 2)
    let request: Request | undefined
    try {
      request = decodeRequest(pdu)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
    }
    this.#waiting = { unit, functionCode: pdu[0]! & ~EXCEPTION_BIT, request, since: now }
  }
}

/** Functions of unknown length: the shortest frame whose CRC fits. */
function unpredictable(bytes: Uint8Array, at: number): number {
  const longest = Math.min(bytes.length - at, MAX_RTU_ADU)
  for (let length = MIN_RTU_ADU; length <= longest; length++) if (crcFits(bytes, at, at + length)) return length
  return longest < MAX_RTU_ADU ? -1 : 0
}

function crcFits(bytes: Uint8Array, start: number, end: number): boolean {
  return crc16Modbus(bytes, start, end - 2) === (bytes[end - 2]! | (bytes[end - 1]! << 8))
}

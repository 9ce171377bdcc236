import { DecodeError, ProtocolError } from '@gridseal/wire'
import type { GridsealError } from '@gridseal/wire'
import type { Adu } from '../codec/adu.ts'
import { EXCEPTIONS, EXCEPTION_BIT } from '../codec/functions.ts'
import { decodeResponse, encodeRequest, functionCodeOf } from '../codec/pdu-codec.ts'
import type { ExceptionResponse, Request, Response } from '../codec/pdu.ts'
import { mismatch } from './answer.ts'

/** A response that is none of the exceptions. */
export type Answer = Exclude<Response, ExceptionResponse>

/** What comes of a frame while a request waits. */
export type Verdict =
  /** The answer. */
  | { readonly kind: 'answer'; readonly response: Answer }
  /** An answer that ends the wait, but not well. */
  | { readonly kind: 'failed'; readonly error: GridsealError }
  /** Not for this request: late, from another unit or another function. The wait goes on. */
  | { readonly kind: 'foreign' }

const FOREIGN: Verdict = { kind: 'foreign' }

/** One request from being sent to being answered. Pure: knows neither sockets nor time. */
export class Exchange {
  /** MBAP transaction identifier; another one each time the request is sent. */
  transaction: number | null
  readonly unit: number
  readonly pdu: Uint8Array
  readonly request: Request

  /** Throws `UsageError` for a request that the standard does not allow. */
  constructor(transaction: number | null, unit: number, request: Request) {
    this.transaction = transaction
    this.unit = unit
    this.pdu = encodeRequest(request)
    this.request = request
  }

  /** What to send. */
  get adu(): Adu {
    return { transaction: this.transaction, unit: this.unit, pdu: this.pdu }
  }

  /** Judges a frame that came in meanwhile. */
  judge(adu: Adu): Verdict {
    const { pdu } = adu
    const meant =
      adu.transaction === this.transaction &&
      adu.unit === this.unit &&
      (pdu[0]! & ~EXCEPTION_BIT) === (this.pdu[0]! & ~EXCEPTION_BIT)
    if (!meant) return FOREIGN
    try {
      return this.#judgeResponse(decodeResponse(pdu))
    } catch (error) {
      if (error instanceof DecodeError) return this.#failed(error.message, error)
      throw error
    }
  }

  #judgeResponse(response: Response): Verdict {
    if (response.kind === 'exception') {
      const { exception } = response
      const code = functionCodeOf(this.request)
      const name = EXCEPTIONS[exception] ?? 'unknown'
      const message = `unit ${this.unit} refused function ${code}: exception ${exception}, ${name}`
      const details = { exception, function: code, unit: this.unit }
      return { kind: 'failed', error: new ProtocolError('modbus.exception', message, details) }
    }
    const problem = mismatch(this.request, response)
    return problem === undefined ? { kind: 'answer', response } : this.#failed(problem)
  }

  #failed(problem: string, cause?: unknown): Verdict {
    const details = { function: functionCodeOf(this.request), unit: this.unit }
    return { kind: 'failed', error: new ProtocolError('modbus.client.answer', problem, details, cause) }
  }
}

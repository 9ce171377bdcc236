import { DecodeError, ProtocolError } from '@gridseal/wire'
import type { GridsealError } from '@gridseal/wire'
import type { Adu } from '../codec/adu.ts'
import { EXCEPTIONS, EXCEPTION_BIT } from '../codec/functions.ts'
import { decodeResponse, encodeRequest, functionCodeOf } from '../codec/pdu-codec.ts'
import type { ExceptionResponse, Request, Response } from '../codec/pdu.ts'
import { mismatch } from './answer.ts'

/** What comes of a frame while a request waits. */
export type Verdict =
  /** The answer. */
  | { readonly kind: 'answer'; readonly response: Exclude<Response, ExceptionResponse> }
  /** An answer that ends the wait, but not well. */
  | { readonly kind: 'failed'; readonly error: GridsealError }
  /** Not for this request: late, from another unit or another function. The wait goes on. */
  | { readonly kind: 'foreign' }

/** One request from being sent to being answered. Pure: knows neither sockets nor time. */
export class Exchange {
  /** What to send. */
  readonly adu: Adu
  readonly request: Request
  readonly #functionCode: number

  /** Throws `UsageError` for a request that the standard does not allow. */
  constructor(transaction: number | null, unit: number, request: Request) {
    this.adu = { transaction, unit, pdu: encodeRequest(request) }
    this.request = request
    this.#functionCode = functionCodeOf(request)
  }

  /** Judges a frame that came in meanwhile. */
  judge(adu: Adu): Verdict {
    const functionCode = adu.pdu[0]! & ~EXCEPTION_BIT
    const meant =
      adu.transaction === this.adu.transaction && adu.unit === this.adu.unit && functionCode === this.#functionCode
    if (!meant) return { kind: 'foreign' }
    try {
      return this.#judgeResponse(decodeResponse(adu.pdu))
    } catch (error) {
      if (error instanceof DecodeError) return this.#failed(error.message, error)
      throw error
    }
  }

  #judgeResponse(response: Response): Verdict {
    if (response.kind === 'exception') {
      const { exception } = response
      const name = EXCEPTIONS[exception] ?? 'unknown'
      const message = `unit ${this.adu.unit} refused function ${this.#functionCode}: exception ${exception}, ${name}`
      const details = { exception, function: this.#functionCode, unit: this.adu.unit }
      return { kind: 'failed', error: new ProtocolError('modbus.exception', message, details) }
    }
    const problem = mismatch(this.request, response)
    return problem === undefined ? { kind: 'answer', response } : this.#failed(problem)
  }

  #failed(problem: string, cause?: unknown): Verdict {
    const details = { function: this.#functionCode, unit: this.adu.unit }
    return { kind: 'failed', error: new ProtocolError('modbus.client.answer', problem, details, cause) }
  }
}

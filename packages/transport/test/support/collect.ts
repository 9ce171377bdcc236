import type { Connection } from '@gridseal/transport'
import type { Subscription } from 'rxjs'

/** Everything that a connection has delivered so far. */
export class Collected {
  readonly chunks: Uint8Array[] = []
  length = 0
  completed = 0
  readonly subscription: Subscription
  #waiting: { readonly length: number; readonly resolve: () => void }[] = []

  constructor(connection: Connection) {
    this.subscription = connection.data.subscribe({
      next: (chunk) => {
        this.chunks.push(chunk)
        this.length += chunk.length
        this.#wake()
      },
      complete: () => {
        this.completed++
      },
    })
  }

  get bytes(): Uint8Array {
    return Buffer.concat(this.chunks)
  }

  /** Resolves when at least `length` bytes are there. */
  async until(length: number): Promise<void> {
    if (this.length >= length) return
    await new Promise<void>((resolve) => this.#waiting.push({ length, resolve }))
  }

  #wake(): void {
    const due = this.#waiting.filter(({ length }) => length <= this.length)
    this.#waiting = this.#waiting.filter(({ length }) => length > this.length)
    for (const { resolve } of due) resolve()
  }
}

/** Bytes that differ from place to place, so that a lost, doubled or moved byte shows. */
export function pattern(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = seed
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    bytes[i] = state >>> 16
  }
  return bytes
}

/** Cuts bytes into chunks of varying lengths, 1 to `most`. */
export function* chunksOf(bytes: Uint8Array, most: number): Generator<Uint8Array> {
  let length = 1
  for (let at = 0; at < bytes.length; at += length) {
    length = (length * 7 + 3) % most || 1
    yield bytes.subarray(at, at + length)
  }
}

/** Writes all of it as a good citizen does: when told to wait, it waits. */
export async function writeAll(connection: Connection, chunks: Iterable<Uint8Array>): Promise<void> {
  for (const chunk of chunks) {
    const drained = nextOf(connection.drained)
    if (!connection.write(chunk)) await drained
  }
}

/** The next value of an observable, or its end. */
export function nextOf<T>(observable: {
  subscribe(observer: { next: (value: T) => void; complete: () => void }): { unsubscribe(): void }
}): Promise<T | undefined> {
  return new Promise((resolve) => {
    const subscription = observable.subscribe({
      next: (value) => {
        resolve(value)
        queueMicrotask(() => subscription.unsubscribe())
      },
      complete: () => resolve(undefined),
    })
  })
}

/** Waits until `condition` holds; fails after five seconds. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 5000
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`this did not happen: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** The error that a promise is rejected with. */
export async function rejection(
  promise: Promise<unknown>,
): Promise<{ readonly code: string; readonly name: string; readonly message: string }> {
  try {
    await promise
  } catch (error) {
    return error as { code: string; name: string; message: string }
  }
  throw new Error('it was not rejected')
}

/** The code of what is thrown. */
export function codeOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    return (error as { code: string }).code
  }
  throw new Error('nothing was thrown')
}

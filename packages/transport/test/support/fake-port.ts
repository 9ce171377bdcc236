import type { SerialBinding, SerialOpenOptions, SerialPortHandle } from '#src/serial/serial-binding.ts'

/** A serial port of which every step is in the test's hand. */
export class FakePort implements SerialPortHandle {
  readonly written: string[] = []
  readonly calls: string[] = []
  readonly #reads: { readonly buffer: Buffer; readonly offset: number; readonly done: PromiseWithResolvers<Read> }[] =
    []
  /** Writes that the driver has not taken; with `holding` they stay. */
  readonly writes: PromiseWithResolvers<void>[] = []
  holding = false
  drained: Promise<void> = Promise.resolve()

  read(buffer: Buffer, offset: number): Promise<Read> {
    const done = Promise.withResolvers<Read>()
    this.#reads.push({ buffer, offset, done })
    return done.promise
  }

  /** Bytes come in; false if nobody reads. */
  receive(bytes: Uint8Array): boolean {
    const read = this.#reads.shift()
    if (read === undefined) return false
    read.buffer.set(bytes, read.offset)
    read.done.resolve({ bytesRead: bytes.length })
    return true
  }

  breakDown(error: Error): void {
    for (const { done } of this.#reads.splice(0)) done.reject(error)
  }

  async write(buffer: Buffer): Promise<void> {
    this.written.push(buffer.toString('latin1'))
    if (!this.holding) return
    const write = Promise.withResolvers<void>()
    this.writes.push(write)
    await write.promise
  }

  async drain(): Promise<void> {
    this.calls.push('drain')
    await this.drained
  }

  async flush(): Promise<void> {
    this.calls.push('flush')
  }

  async set({ rts }: { readonly rts: boolean }): Promise<void> {
    this.calls.push(rts ? 'rts on' : 'rts off')
  }

  async close(): Promise<void> {
    this.calls.push('close')
    this.breakDown(new TypeError('Canceled'))
  }
}

interface Read {
  readonly bytesRead: number
}

/** A binding that opens one port. */
export function bindingOf(port: SerialPortHandle | Promise<SerialPortHandle>): SerialBinding & {
  readonly opened: SerialOpenOptions[]
} {
  const opened: SerialOpenOptions[] = []
  return {
    opened,
    open: async (options) => {
      opened.push(options)
      return port
    },
  }
}

import type { NativeMemory, SystemCalls } from './system-calls.ts'

/** Longest wait of one call: so long a process may take to end while one is under way. */
const WAIT_MS = 500
/** Descriptors at once, that which wakes up included. */
const MOST_DESCRIPTORS = 256
const POLLFD_OCTETS = 8
const POLLIN = 1
const EFD_CLOEXEC_NONBLOCK = 0o2004000

/**
 * Waits for all sockets of the process in one thread of the pool, whatever their number: a thread for each would leave
 * none for files and signatures.
 */
export class PacketPoller {
  readonly #calls: SystemCalls
  readonly #ready = new Map<number, () => void>()
  readonly #memory: NativeMemory
  /** Written to when the set of descriptors has changed. */
  readonly #wake: number
  readonly #scratch = new Uint8Array(8)
  #waiting = false
  /** Resolved when the call that is under way has come back. */
  #settled: (() => void)[] = []

  constructor(calls: SystemCalls) {
    this.#calls = calls
    this.#memory = calls.allocate(MOST_DESCRIPTORS * POLLFD_OCTETS)
    this.#wake = calls.eventfd(0, EFD_CLOEXEC_NONBLOCK)
  }

  /** Whether another descriptor can be waited for. */
  get hasRoom(): boolean {
    return this.#wake >= 0 && this.#ready.size < MOST_DESCRIPTORS - 1
  }

  /** Calls `ready` whenever there is something to read, until it is removed. */
  add(fd: number, ready: () => void): void {
    this.#ready.set(fd, ready)
    if (this.#waiting) this.#wakeUp()
    else this.#wait()
  }

  /** Resolves when the kernel waits for it no more, so that it can be closed. */
  remove(fd: number): Promise<void> {
    this.#ready.delete(fd)
    if (!this.#waiting) return Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#settled.push(resolve)
    this.#wakeUp()
    return promise
  }

  #wakeUp(): void {
    const one = new Uint8Array(8)
    new DataView(one.buffer).setBigUint64(0, 1n, this.#calls.littleEndian)
    this.#calls.write(this.#wake, one, one.length)
  }

  #wait(): void {
    const { view, bytes, address } = this.#memory
    const descriptors = [this.#wake, ...this.#ready.keys()]
    bytes.fill(0, 0, descriptors.length * POLLFD_OCTETS)
    descriptors.forEach((fd, index) => {
      view.setInt32(index * POLLFD_OCTETS, fd, this.#calls.littleEndian)
      view.setInt16(index * POLLFD_OCTETS + 4, POLLIN, this.#calls.littleEndian)
    })
    this.#waiting = true
    this.#calls.poll(address, descriptors.length, WAIT_MS, () => this.#returned(descriptors))
  }

  #returned(descriptors: readonly number[]): void {
    this.#waiting = false
    this.#calls.read(this.#wake, this.#scratch, this.#scratch.length)
    for (const settled of this.#settled.splice(0)) settled()
    const { view } = this.#memory
    const ready = descriptors.filter(
      (_, index) => view.getInt16(index * POLLFD_OCTETS + 6, this.#calls.littleEndian) !== 0,
    )
    for (const fd of ready) this.#ready.get(fd)?.()
    // Whoever was called may have added one, and so begun to wait.
    if (!this.#waiting && this.#ready.size > 0) this.#wait()
  }
}

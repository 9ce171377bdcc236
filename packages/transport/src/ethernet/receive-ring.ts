import type { NativeMemory, SystemCalls } from './system-calls.ts'

/** A frame in native memory: valid until the ring is used again. */
export interface ReceivedFrame {
  /** Without the VLAN tag that the kernel has taken off. */
  readonly bytes: Uint8Array
  /** The VLAN tag, identifier and control information, or undefined. */
  readonly vlan: { readonly protocol: number; readonly control: number } | undefined
  /** The frame was sent from this machine. */
  readonly outgoing: boolean
  /** The frame is longer than what fits: `bytes` is not all of it. */
  readonly truncated: boolean
}

/** Frames that one system call brings at most. */
const SLOTS = 64
/** The largest frames that any Ethernet has, with room for tags. */
const FRAME_OCTETS = 9728
const ADDRESS_OCTETS = 20
const CONTROL_OCTETS = 64

const SOL_PACKET = 263
const PACKET_AUXDATA = 8
const PACKET_OUTGOING = 4
const MSG_DONTWAIT = 0x40
const MSG_TRUNC = 0x20
const TP_STATUS_VLAN_VALID = 0x10
const TP_STATUS_VLAN_TPID_VALID = 0x40
const TPID_8021Q = 0x8100

/** Where the fields of `struct mmsghdr` and `struct cmsghdr` are, by the size of a pointer. */
function layoutOf(word: 4 | 8) {
  return {
    name: 0,
    nameLength: word,
    iov: 2 * word,
    iovLength: 3 * word,
    control: 4 * word,
    controlLength: 5 * word,
    flags: 6 * word,
    length: word === 8 ? 56 : 28,
    size: word === 8 ? 64 : 32,
    cmsgLevel: word,
    cmsgData: word + 8,
  } as const
}

/**
 * Buffers for `recvmmsg`, which brings up to 64 frames with what the kernel knows of them in one call. One ring serves all
 * sockets of the process, since each empties it before the next uses it.
 */
export class ReceiveRing {
  readonly #calls: SystemCalls
  readonly #layout: ReturnType<typeof layoutOf>
  readonly #headers: NativeMemory
  readonly #frames: NativeMemory
  readonly #addresses: NativeMemory
  readonly #controls: NativeMemory

  constructor(calls: SystemCalls) {
    this.#calls = calls
    this.#layout = layoutOf(calls.word)
    this.#headers = calls.allocate(SLOTS * this.#layout.size)
    this.#frames = calls.allocate(SLOTS * FRAME_OCTETS)
    this.#addresses = calls.allocate(SLOTS * ADDRESS_OCTETS)
    this.#controls = calls.allocate(SLOTS * CONTROL_OCTETS)
    const vectors = calls.allocate(SLOTS * 2 * calls.word)
    for (let slot = 0; slot < SLOTS; slot++) {
      const at = slot * this.#layout.size
      const vector = slot * 2 * calls.word
      this.#pointer(this.#headers, at + this.#layout.name, this.#addresses.address + BigInt(slot * ADDRESS_OCTETS))
      this.#pointer(this.#headers, at + this.#layout.iov, vectors.address + BigInt(vector))
      this.#pointer(this.#headers, at + this.#layout.iovLength, 1n)
      this.#pointer(this.#headers, at + this.#layout.control, this.#controls.address + BigInt(slot * CONTROL_OCTETS))
      this.#pointer(vectors, vector, this.#frames.address + BigInt(slot * FRAME_OCTETS))
      this.#pointer(vectors, vector + calls.word, BigInt(FRAME_OCTETS))
    }
  }

  /** Takes what has arrived at a socket, without waiting. Negative: it failed, see `errno`. Zero or more: so many frames. */
  receive(fd: number): number {
    const { littleEndian } = this.#calls
    for (let slot = 0; slot < SLOTS; slot++) {
      const at = slot * this.#layout.size
      this.#headers.view.setUint32(at + this.#layout.nameLength, ADDRESS_OCTETS, littleEndian)
      this.#pointer(this.#headers, at + this.#layout.controlLength, BigInt(CONTROL_OCTETS))
      this.#headers.view.setUint32(at + this.#layout.flags, 0, littleEndian)
    }
    return this.#calls.recvmmsg(fd, this.#headers.address, SLOTS, MSG_DONTWAIT)
  }

  /** Whether a call that brought so many frames may have left some. */
  full(frames: number): boolean {
    return frames === SLOTS
  }

  /** One of the frames that the last {@link receive} brought. */
  frame(slot: number): ReceivedFrame {
    const { view } = this.#headers
    const { littleEndian } = this.#calls
    const at = slot * this.#layout.size
    const length = Math.min(view.getUint32(at + this.#layout.length, littleEndian), FRAME_OCTETS)
    const start = slot * FRAME_OCTETS
    return {
      bytes: this.#frames.bytes.subarray(start, start + length),
      vlan: this.#vlan(slot, at),
      outgoing: this.#addresses.bytes[slot * ADDRESS_OCTETS + 10] === PACKET_OUTGOING,
      truncated: (view.getUint32(at + this.#layout.flags, littleEndian) & MSG_TRUNC) !== 0,
    }
  }

  /** Out of `struct tpacket_auxdata`, which is the only control message that was asked for. */
  #vlan(slot: number, at: number): ReceivedFrame['vlan'] {
    const { littleEndian } = this.#calls
    const { controlLength, cmsgLevel, cmsgData } = this.#layout
    if (
      this.#headers.view.getUint32(at + controlLength + (littleEndian ? 0 : this.#calls.word - 4), littleEndian) <
      cmsgData + 20
    ) {
      return undefined
    }
    const { view } = this.#controls
    const control = slot * CONTROL_OCTETS
    if (view.getInt32(control + cmsgLevel, littleEndian) !== SOL_PACKET) return undefined
    if (view.getInt32(control + cmsgLevel + 4, littleEndian) !== PACKET_AUXDATA) return undefined
    const status = view.getUint32(control + cmsgData, littleEndian)
    if ((status & TP_STATUS_VLAN_VALID) === 0) return undefined
    const given = (status & TP_STATUS_VLAN_TPID_VALID) !== 0
    const protocol = given ? view.getUint16(control + cmsgData + 18, littleEndian) : TPID_8021Q
    return { protocol, control: view.getUint16(control + cmsgData + 16, littleEndian) }
  }

  #pointer({ view }: NativeMemory, at: number, value: bigint): void {
    const { word, littleEndian } = this.#calls
    if (word === 8) view.setBigUint64(at, value, littleEndian)
    else view.setUint32(at, Number(value), littleEndian)
  }
}

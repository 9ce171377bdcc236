import { endianness } from 'node:os'
import { UsageError } from '@gridseal/wire'

/** Memory outside the JavaScript heap: its address for the kernel, its octets for us. */
export interface NativeMemory {
  readonly address: bigint
  readonly bytes: Uint8Array
  readonly view: DataView
}

/** What raw Ethernet needs of the C library. All return -1 with `errno` set where they fail. */
export interface SystemCalls {
  /** Octets of a pointer, 4 or 8. */
  readonly word: 4 | 8
  /** The byte order of this machine, for the structures of the kernel. */
  readonly littleEndian: boolean
  errno(): number
  /** Zeroed memory that stays for the life of the process. */
  allocate(length: number): NativeMemory
  socket(domain: number, type: number, protocol: number): number
  bind(fd: number, address: Uint8Array, length: number): number
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, length: number): number
  getsockopt(fd: number, level: number, name: number, value: Uint8Array, length: Uint8Array): number
  recvmmsg(fd: number, messages: bigint, count: number, flags: number): number
  send(fd: number, bytes: Uint8Array, length: number, flags: number): number
  close(fd: number): number
  nameToIndex(name: string): number
  eventfd(initial: number, flags: number): number
  read(fd: number, bytes: Uint8Array, length: number): number
  write(fd: number, bytes: Uint8Array, length: number): number
  /** Waits in a thread of the pool until a descriptor is ready or the milliseconds are over. */
  poll(descriptors: bigint, count: number, milliseconds: number, done: () => void): void
}

/** The part of `koffi` that is used. */
interface Koffi {
  load(library: null): { func(prototype: string): NativeFunction }
  alloc(type: string, count: number): unknown
  address(memory: unknown): bigint | number
  view(memory: unknown, length: number): ArrayBuffer
  sizeof(type: string): number
  errno(): number
}

interface NativeFunction {
  (...values: unknown[]): number
  async(...values: unknown[]): void
}

export type LoadKoffi = () => Promise<{ readonly default: unknown }>

/**
 * The C library through the optional package `koffi`. Rejects with {@link UsageError} `transport.ethernet.missing`
 * without it and `transport.ethernet.system` elsewhere than on Linux.
 */
export async function loadSystemCalls(
  load: LoadKoffi = () => import('koffi'),
  platform: string = process.platform,
): Promise<SystemCalls> {
  if (platform !== 'linux') {
    const message = `raw Ethernet is there on Linux only (AF_PACKET), not on ${platform}`
    throw new UsageError('transport.ethernet.system', message, { platform })
  }
  const module = await load().catch((error: unknown) => {
    const message = 'raw Ethernet needs the optional package koffi: npm install koffi@3'
    throw new UsageError('transport.ethernet.missing', message, {}, error)
  })
  return systemCalls(module.default as Koffi)
}

/** ssize_t is declared as long, which it is wherever Linux runs. */
function systemCalls(koffi: Koffi): SystemCalls {
  // The library that this process runs on, whatever it is called there.
  const c = koffi.load(null)
  const poll = c.func('int poll(uintptr_t fds, unsigned long nfds, int timeout)')
  return {
    word: koffi.sizeof('void *') as 4 | 8,
    littleEndian: endianness() === 'LE',
    errno: () => koffi.errno(),
    allocate: (length) => {
      const memory = koffi.alloc('uint8_t', length)
      const bytes = new Uint8Array(koffi.view(memory, length))
      bytes.fill(0)
      return { address: BigInt(koffi.address(memory)), bytes, view: new DataView(bytes.buffer) }
    },
    socket: c.func('int socket(int domain, int type, int protocol)'),
    bind: c.func('int bind(int fd, const uint8_t *address, unsigned int length)'),
    setsockopt: c.func('int setsockopt(int fd, int level, int name, const uint8_t *value, unsigned int length)'),
    getsockopt: c.func('int getsockopt(int fd, int level, int name, _Out_ uint8_t *value, _Inout_ uint8_t *length)'),
    recvmmsg: withTimeout(
      c.func('int recvmmsg(int fd, uintptr_t messages, unsigned int count, int flags, void *timeout)'),
    ),
    send: c.func('long send(int fd, const uint8_t *bytes, unsigned long length, int flags)'),
    close: c.func('int close(int fd)'),
    nameToIndex: c.func('unsigned int if_nametoindex(const char *name)'),
    eventfd: c.func('int eventfd(unsigned int initial, int flags)'),
    read: c.func('long read(int fd, _Out_ uint8_t *bytes, unsigned long length)'),
    write: c.func('long write(int fd, const uint8_t *bytes, unsigned long length)'),
    poll: (descriptors, count, milliseconds, done) => poll.async(descriptors, count, milliseconds, () => done()),
  }
}

function withTimeout(recvmmsg: NativeFunction): SystemCalls['recvmmsg'] {
  return (fd, messages, count, flags) => recvmmsg(fd, messages, count, flags, null)
}

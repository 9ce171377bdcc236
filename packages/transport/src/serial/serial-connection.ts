import { stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { ProtocolError } from '@gridseal/wire'
import { BaseConnection } from '../base-connection.ts'
import { formatEndpoint } from '../endpoint.ts'
import type { SerialEndpoint } from '../endpoint.ts'
import type { ConnectionSettings } from '../options.ts'
import { EchoFilter } from './echo-filter.ts'
import type { ModemLines, SerialPortHandle } from './serial-binding.ts'

/** Reads are cut from slabs of this size, so that a short frame that is kept does not keep much else. */
const SLAB = 4096
const LEAST_SPACE = 256
/** What the driver may hold, and therefore what an ending line may still have to send. */
const DRIVER_BUFFER = 4096
const BITS_PER_BYTE = 11
/** How often a port that is not being read is looked for. */
const PRESENCE_MS = 1000

/** The modem lines of an RS-485 adapter whose driver RTS switches. */
export function driverLines(mode: 'rts' | 'rts-inverted', sending: boolean): ModemLines {
  return { brk: false, cts: false, dsr: false, dtr: true, rts: sending === (mode === 'rts') }
}

/**
 * A serial port, which this end alone has open. It stands on the binding of `serialport`, not on its stream: that one
 * may report its close before the port is free.
 */
export class SerialConnection extends BaseConnection {
  readonly medium = 'serial'
  readonly local: string
  readonly remote: string
  readonly #endpoint: SerialEndpoint
  readonly #port: SerialPortHandle
  readonly #settings: ConnectionSettings
  readonly #presence: NodeJS.Timeout | undefined
  readonly #echo: EchoFilter | undefined
  /** This end switches the driver. */
  readonly #rs485: boolean
  #outgoing: Uint8Array[] = []
  #queued = 0
  #writing = false
  #driving = false
  #finishing = false
  #reading = false
  #readUnderWay = false
  /** A chunk that came while reading was stopped. */
  #held: Uint8Array | undefined
  #slab: Buffer = Buffer.allocUnsafeSlow(SLAB)
  #used = 0
  #closing = false

  constructor(port: SerialPortHandle, endpoint: SerialEndpoint, settings: ConnectionSettings, device: number) {
    super(settings.queue)
    this.#port = port
    this.#endpoint = endpoint
    this.#settings = settings
    this.local = formatEndpoint(endpoint)
    this.remote = this.local
    this.#rs485 = (endpoint.rs485 ?? 'off') !== 'off'
    this.#echo = endpoint.echo === true ? new EchoFilter() : undefined
    if (process.platform !== 'win32') {
      this.#presence = setInterval(() => void this.#lookForDevice(device), PRESENCE_MS)
      this.#presence.unref()
    }
  }

  get queued(): number {
    return this.#queued
  }

  protected transmit(chunk: Uint8Array): void {
    this.#outgoing.push(chunk)
    this.#queued += chunk.length
    if (!this.#writing) void this.#send()
  }

  protected setReading(on: boolean): void {
    this.#reading = on
    // Not within the call: a subscriber gets its first chunk after it has subscribed.
    if (on) queueMicrotask(() => void this.#receive())
  }

  protected finish(): void {
    this.#finishing = true
    const onTheLine = ((this.#queued + DRIVER_BUFFER) * BITS_PER_BYTE * 1000) / this.#endpoint.baud
    this.lingerFor(Math.min(this.#settings.linger + onTheLine, 2 ** 31 - 1))
    if (!this.#writing) void this.#send()
  }

  protected breakOff(): void {
    void this.#close(true)
  }

  async #send(): Promise<void> {
    this.#writing = true
    try {
      for (let chunk = this.#outgoing.shift(); chunk !== undefined; chunk = this.#outgoing.shift()) {
        this.#echo?.sent(chunk)
        if (this.#rs485) await this.#drive(true)
        await this.#port.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length))
        if (this.#rs485 && this.#outgoing.length === 0) await this.#drive(false)
        if (this.#closing) return
        this.#queued -= chunk.length
        this.left()
      }
      this.#writing = false
      if (!this.#finishing) return
      await this.#port.drain()
      await this.#close(false)
    } catch (error) {
      this.#lost(error)
    }
  }

  /** One read at a time; a stopped reader keeps the one that is under way, and so learns of an unplugged device. */
  async #receive(): Promise<void> {
    if (this.#readUnderWay) return
    this.#readUnderWay = true
    try {
      while (this.#reading && !this.#closing) {
        const chunk = this.#held ?? (await this.#read())
        this.#held = this.#reading ? undefined : chunk
        if (this.#held === undefined && !this.#closing) this.#take(chunk)
      }
    } catch (error) {
      this.#lost(error)
    } finally {
      this.#readUnderWay = false
    }
  }

  #take(chunk: Uint8Array): void {
    const rest = this.#echo === undefined ? chunk : this.#echo.received(chunk)
    if (rest.length > 0) this.received(rest)
  }

  /** RS-485: takes the line to send, or gives it free once the last bit has left; the answer may come at once. */
  async #drive(on: boolean): Promise<void> {
    const { rs485 = 'off', rs485Delay = 0 } = this.#endpoint
    if (rs485 === 'off' || on === this.#driving) return
    this.#driving = on
    if (!on) {
      await this.#port.drain()
      if (rs485Delay > 0) await sleep(rs485Delay)
    }
    await this.#port.set(driverLines(rs485, on))
    if (on && rs485Delay > 0) await sleep(rs485Delay)
  }

  async #read(): Promise<Uint8Array> {
    if (SLAB - this.#used < LEAST_SPACE) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB)
      this.#used = 0
    }
    const start = this.#used
    const { bytesRead } = await this.#port.read(this.#slab, start, SLAB - start)
    this.#used = start + bytesRead
    return this.#slab.subarray(start, start + bytesRead)
  }

  /**
   * A device that is pulled while nothing is being read is found out only when it is looked for; and on Linux a read of
   * a pulled device can return nothing for ever, which the binding would repeat without pause.
   */
  async #lookForDevice(device: number): Promise<void> {
    const now = await stat(this.#endpoint.path).then(
      ({ rdev }) => rdev,
      () => undefined,
    )
    if (now !== device) this.#lost(undefined)
  }

  #lost(cause: unknown): void {
    if (this.#closing) return
    const message = `${this.#endpoint.path}: the device is gone`
    this.failed(new ProtocolError('transport.serial.unplugged', message, { path: this.#endpoint.path }, cause))
    void this.#close(true)
  }

  /** Discarding first lets a drain that is under way return. */
  async #close(discard: boolean): Promise<void> {
    if (this.#closing) return
    this.#closing = true
    clearInterval(this.#presence)
    this.#outgoing = []
    if (discard) await this.#port.flush().catch(() => undefined)
    await this.#port.close().catch(() => undefined)
    this.#queued = 0
    this.terminated()
  }
}

import type { Reading } from '@gridseal/adapter'
import { GridsealError, InternalError, ProtocolError, UsageError } from '@gridseal/wire'
import { Subject } from 'rxjs'
import type { Observable } from 'rxjs'
import type { DeviceMap, MapPoint } from '../map/device-map.ts'
import { cellsIn, readingsIn, requestOf } from '../map/map-readings.ts'
import type { Due } from '../session/deadlines.ts'
import { Deadlines } from '../session/deadlines.ts'
import type { MergedRead, ReadLimits } from '../session/merge.ts'
import { mergeReads, splitRead } from '../session/merge.ts'
import { Alarm } from './alarm.ts'
import type { ModbusClient } from './client.ts'

/** A device to be read again and again. */
export interface PolledDevice {
  readonly client: ModbusClient
  readonly unit: number
  readonly map: DeviceMap
  /** Name of the device in its readings. Default `u` and the unit. */
  readonly link?: string
  /** Milliseconds between reads of every class; default: what the map says. */
  readonly period?: number
}

/** What one read brought: readings, or why there are none. */
export interface PollResult {
  readonly link: string
  readonly unit: number
  readonly read: MergedRead<MapPoint>
  readonly readings: readonly Reading[]
  readonly error?: GridsealError
}

export interface PollerCounters {
  /** Reads that were answered. */
  polls: number
  failed: number
  /** Reads left out because the one before was still under way. */
  overruns: number
}

interface Job extends Due {
  readonly device: PolledDevice
  readonly link: string
  readonly limits: ReadLimits
  readonly period: number
  read: MergedRead<MapPoint>
  underWay: boolean
}

const ILLEGAL_DATA_ADDRESS = 2
const NS_PER_MS = 1_000_000n

/**
 * Reads any number of devices, each point as often as its class says, near points together. Times are kept: a read that
 * takes long does not shift the next, one that takes longer than its period leaves the next out. All devices share one
 * timer, and the first reads are spread over the period, so that a thousand devices are not asked at once.
 *
 * @example
 * const poller = new Poller()
 * poller.results.subscribe(({ readings }) => console.table(readings))
 * poller.add({ client, unit: 1, map: parseDeviceMap(source, 'meter.yaml') })
 * poller.start()
 */
export class Poller {
  readonly counters: PollerCounters = { polls: 0, failed: 0, overruns: 0 }
  readonly results: Observable<PollResult>
  readonly #results = new Subject<PollResult>()
  readonly #jobs = new Deadlines<Job>()
  readonly #waiting: Job[] = []
  readonly #alarm = new Alarm((now) => this.#poll(now))
  #underWay = 0
  #running = false
  #idle: (() => void) | undefined
  #phase = 0

  constructor() {
    this.results = this.#results.asObservable()
  }

  /** Adds a device; one added later is read from then on. Throws {@link UsageError} for a period that cannot be. */
  add(device: PolledDevice): void {
    const { map, unit, link = `u${unit}`, period } = device
    if (period !== undefined && !(period > 0)) throw new UsageError('modbus.poller', 'a period is more than 0 ms')
    for (const [readClass, usual] of Object.entries(map.classes)) {
      const points = map.points.filter((point) => point.readClass === readClass)
      for (const read of mergeReads(points, map.limits)) {
        this.#add({
          device,
          link,
          limits: map.limits,
          period: period ?? usual,
          read,
          underWay: false,
          due: 0,
          heapIndex: -1,
        })
      }
    }
  }

  start(): void {
    this.#running = true
    for (const job of this.#waiting.splice(0)) this.#add(job)
  }

  /** Asks for nothing more; resolves when what is under way has come to its end. */
  async stop(): Promise<void> {
    this.#running = false
    this.#alarm.clear()
    for (let job = this.#jobs.take(Infinity); job !== undefined; job = this.#jobs.take(Infinity))
      this.#waiting.push(job)
    if (this.#underWay === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#idle = resolve
    await promise
  }

  #add(job: Job): void {
    if (!this.#running) {
      this.#waiting.push(job)
      return
    }
    const now = performance.now()
    // Steps of the golden ratio spread any number of jobs evenly.
    this.#phase = (this.#phase + 0.618_033_988_749_895) % 1
    job.due = now + Math.min(job.period, SPREAD) * this.#phase
    this.#jobs.add(job)
    this.#alarm.set(this.#jobs.next, now)
  }

  #poll(now: number): number {
    for (let job = this.#jobs.take(now); job !== undefined; job = this.#jobs.take(now)) {
      const missed = Math.floor((now - job.due) / job.period)
      this.counters.overruns += missed
      job.due += (missed + 1) * job.period
      this.#jobs.add(job)
      if (job.underWay) this.counters.overruns++
      else void this.#ask(job)
    }
    return this.#jobs.next
  }

  async #ask(job: Job): Promise<void> {
    job.underWay = true
    this.#underWay++
    const { device, link, read } = job
    const { unit } = device
    try {
      const answer = await device.client.request(unit, requestOf(read))
      const time = BigInt(Date.now()) * NS_PER_MS
      this.counters.polls++
      this.#results.next({ link, unit, read, readings: readingsIn(read, cellsIn(answer, read.quantity), link, time) })
    } catch (error) {
      this.#failed(job, asError(error))
    }
    job.underWay = false
    this.#underWay--
    if (this.#underWay === 0) this.#idle?.()
  }

  #failed(job: Job, error: GridsealError): void {
    const { device, link, read, limits } = job
    const refused = error instanceof ProtocolError && error.details['exception'] === ILLEGAL_DATA_ADDRESS
    const smaller = refused && read.parts.length > 1 ? splitRead(read, limits) : []
    if (smaller.length < 2) {
      this.counters.failed++
      this.#results.next({ link, unit: device.unit, read, readings: [], error })
      return
    }
    // The device has holes where the map has none: what was read together is read apart from now on.
    const [first, ...others] = smaller
    job.read = first!
    for (const part of others) this.#add({ ...job, read: part, underWay: false, due: 0, heapIndex: -1 })
  }
}

/** Longest time over which first reads are spread: nobody waits a minute for the first value of a slow class. */
const SPREAD = 10_000

function asError(error: unknown): GridsealError {
  if (error instanceof GridsealError) return error
  return new InternalError('modbus.poller', error instanceof Error ? error.message : String(error), {}, error)
}

import type { Frame, Reading, ReadingExtractor } from '@gridseal/adapter'
import type { Fragment } from '../codec/application.ts'
import { decodeFragment } from '../codec/application.ts'
import type { Quality } from '../codec/flags.ts'
import { qualityOf } from '../codec/flags.ts'
import { segmentOf, senderOf } from '../codec/frame-segment.ts'
import { functionOf } from '../codec/functions.ts'
import { decodeLinkFrame } from '../codec/link-frame.ts'
import type { PointType } from '../codec/object-table.ts'
import { groupOf } from '../codec/object-table.ts'
import type { ObjectHeader } from '../codec/object-walk.ts'
import type { ObjectValue } from '../codec/objects.ts'
import { forEachObject } from '../codec/objects.ts'
import { countOf } from '../codec/qualifier.ts'
import { Reassembler } from '../session/reassembly.ts'

const COMMON_TIME = 51
const NS_PER_MS = 1_000_000n
/** Indexes of points are 16 bits wide; packed bits under a wider range could claim half a million. */
const MOST_POINTS = 0x1_0000

/**
 * Turns responses and unsolicited responses into readings. A point is named by the group of its present value and its
 * index, so that `g30/12` is the same point whether it was polled (g30) or reported as an event (g32). Binary points are
 * booleans; double-bit points 0 intermediate, 1 off, 2 on, 3 indeterminate; counters and analogs numbers; octet strings
 * text where they are printable ASCII, else hex after `0x`.
 *
 * Readings of fragments whose objects cannot be told to the end stop there. Memory is bounded by the reassembly's
 * defaults, whatever number of links and stations there is.
 */
export function createReadings(): ReadingExtractor {
  const reassembler = new Reassembler<string>()
  return {
    push: (frame) => {
      const fragment = responseOf(frame, reassembler)
      return fragment === undefined ? [] : readingsOf(frame, fragment)
    },
  }
}

/** The response that a frame completes. */
function responseOf(frame: Frame, reassembler: Reassembler<string>): Fragment | undefined {
  try {
    const link = decodeLinkFrame(frame.bytes)
    const segment = segmentOf(link)
    if (segment === undefined || link.fromMaster) return undefined
    const key = `${frame.connection} ${senderOf(link)} ${frame.link}`
    const { fragment } = reassembler.push(key, segment)
    if (fragment === undefined || functionOf(fragment[1] ?? 0)?.response !== true) return undefined
    return decodeFragment(fragment)
  } catch {
    return undefined
  }
}

function readingsOf(frame: Frame, fragment: Fragment): Reading[] {
  const readings: Reading[] = []
  let commonTime: number | undefined
  for (const header of fragment.headers) {
    const group = groupOf(header.group)
    if (header.group === COMMON_TIME) commonTime = lastTime(header) ?? commonTime
    else if (group?.type !== undefined) addReadings(readings, frame, header, group.type, `g${group.point}/`, commonTime)
  }
  return readings
}

function lastTime(header: ObjectHeader): number | undefined {
  let time: number | undefined
  forEachObject(header, (object) => (time = object.time))
  return time
}

function addReadings(
  readings: Reading[],
  frame: Frame,
  header: ObjectHeader,
  type: PointType,
  prefix: string,
  commonTime: number | undefined,
): void {
  if (countOf(header.range) > MOST_POINTS) return
  const { link, time: arrival } = frame
  forEachObject(header, (object) => {
    const value = valueOf(type, object)
    if (value === undefined) return
    readings.push({
      link,
      time: timeOf(object, commonTime) ?? arrival,
      point: prefix + object.index,
      value,
      quality: worse(qualityOf(type, object.flags), qualityOfValue(type, value)),
    })
  })
}

function valueOf(type: PointType, object: ObjectValue): Reading['value'] | undefined {
  switch (type) {
    case 'binary':
    case 'output':
      return object.state === 1
    case 'double-bit':
      return object.state
    case 'counter':
    case 'analog':
      return typeof object.value === 'number' ? object.value : undefined
    case 'octets':
      return object.value instanceof Uint8Array ? textOf(object.value) : undefined
  }
}

/** Nanoseconds of the object's own time stamp; a device that does not know the time sends 0. */
function timeOf(object: ObjectValue, commonTime: number | undefined): bigint | undefined {
  let milliseconds = object.time
  if (object.relativeTime !== undefined && commonTime !== undefined) milliseconds = commonTime + object.relativeTime
  return milliseconds === undefined || milliseconds === 0 ? undefined : BigInt(milliseconds) * NS_PER_MS
}

/** What a value says of itself: floating point that is no number, double-bit points that are neither on nor off. */
function qualityOfValue(type: PointType, value: Reading['value']): Quality {
  if (typeof value !== 'number') return 'good'
  if (!Number.isFinite(value)) return 'bad'
  return type === 'double-bit' && (value === 0 || value === 3) ? 'uncertain' : 'good'
}

function worse(a: Quality, b: Quality): Quality {
  if (a === 'bad' || b === 'bad') return 'bad'
  return a === 'uncertain' || b === 'uncertain' ? 'uncertain' : 'good'
}

function textOf(octets: Uint8Array): string {
  const printable = octets.every((octet) => octet >= 0x20 && octet < 0x7f)
  const buffer = Buffer.from(octets.buffer, octets.byteOffset, octets.length)
  return printable ? buffer.toString('latin1') : `0x${buffer.toString('hex')}`
}

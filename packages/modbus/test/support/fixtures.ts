import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Direction } from '@gridseal/adapter'
import { fromHex } from '@gridseal/wire'
import { ROOT } from '../../../../test/support/requirements.ts'

/** What tshark says of a frame; null where the PDU has no such field. */
export interface TsharkFields {
  readonly transaction: number
  readonly unit: number
  readonly function: number
  readonly exception: number | null
  readonly address: number | null
  readonly words: number | null
  readonly bits: number | null
  readonly malformed: boolean
}

export interface FixtureFrame {
  readonly capture: string
  readonly packet: number
  readonly direction: Direction
  readonly bytes: Uint8Array
  readonly tshark: TsharkFields
}

type FramesFile = readonly {
  readonly capture: string
  readonly frames: readonly { packet: number; direction: Direction; bytes: string; tshark: TsharkFields }[]
}[]

const FOLDER = join(ROOT, 'fixtures/modbus')

/** The curated frames of `fixtures/modbus`. */
export function fixtureFrames(): FixtureFrame[] {
  const file = JSON.parse(readFileSync(join(FOLDER, 'frames.json'), 'utf8')) as FramesFile
  return file.flatMap(({ capture, frames }) =>
    frames.map((frame) => ({ ...frame, capture, bytes: fromHex(frame.bytes) })),
  )
}

/** TCP segments to and from devices, as captured. */
export function fixtureSegments(): { toDevice: Uint8Array[]; toMaster: Uint8Array[] } {
  const file = JSON.parse(readFileSync(join(FOLDER, 'segments.json'), 'utf8')) as Record<
    'toDevice' | 'toMaster',
    string[]
  >
  return { toDevice: file.toDevice.map(fromHex), toMaster: file.toMaster.map(fromHex) }
}

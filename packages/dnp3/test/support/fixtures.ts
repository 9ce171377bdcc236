import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromHex } from '@gridseal/wire'
import { ROOT } from '../../../../test/support/requirements.ts'

/** A file of `fixtures/dnp3`, or of another folder with the same layout. */
export function readJson<T>(file: string, folder: string = join(ROOT, 'fixtures/dnp3')): T {
  return JSON.parse(readFileSync(join(folder, file), 'utf8')) as T
}

export interface ValidFrame {
  readonly name: string
  readonly hex: string
  readonly dir: number
  readonly prm: number
  readonly fcb?: number
  readonly fcv?: number
  readonly dfc?: number
  readonly function: string
  readonly dst: number
  readonly src: number
  readonly user: string
}

export interface LinkVectors {
  readonly crc?: readonly { readonly data: string; readonly wire: string }[]
  readonly valid: readonly ValidFrame[]
  readonly rejected: readonly { readonly name: string; readonly hex: string; readonly reason: string }[]
  readonly resync: readonly { readonly name: string; readonly hex: string; readonly delivers: readonly string[] }[]
}

export type SegmentInput = string | { readonly src: number; readonly seg: string }

export interface TransportVectors {
  readonly segmentation: readonly {
    readonly fragmentLength: number
    readonly firstSequence: number
    readonly segments: readonly { readonly header: string; readonly length: number; readonly sha256ofSegment: string }[]
  }[]
  readonly reassembly: readonly {
    readonly name: string
    readonly in: readonly SegmentInput[]
    readonly out: readonly string[] | string
  }[]
}

export interface Exchange {
  readonly name: string
  readonly request: string
  readonly apdus: readonly (readonly ['M>O' | 'O>M', string])[]
  readonly decoded?: readonly RecordedValue[] | null
}

export interface RecordedValue {
  readonly index?: number
  readonly value?: number | string
  readonly flags?: number
  readonly time?: number
  readonly octets?: string
  readonly text?: string
}

export interface SecureMessage {
  readonly dir: 'M>O' | 'O>M'
  readonly function: number
  readonly apdu: string
  readonly frames: readonly string[]
  readonly objects?: readonly { readonly gv: string }[]
}

export interface CapturedPacket {
  readonly packet: number
  readonly toDevice: boolean
  readonly hex: string
  readonly source: number
  readonly destination: number
  readonly primary: boolean
  readonly linkFunction: number
  readonly function?: number
  readonly sequence?: number
  readonly iin?: number | null
  readonly objects?: readonly (readonly [number, number])[]
  readonly malformed: boolean
}

export interface Conversation {
  readonly name: string
  readonly meaning: string
  readonly packets: readonly CapturedPacket[]
}

export function linkVectors(): LinkVectors {
  return readJson('link-frames.json')
}
export function transportVectors(): TransportVectors {
  return readJson('transport.json')
}
export function exchanges(): readonly Exchange[] {
  return readJson<{ exchanges: Exchange[] }>('exchanges.json').exchanges
}
export function secureMessages(): readonly SecureMessage[] {
  return readJson<{ messages: SecureMessage[] }>('secure-authentication.json').messages
}
export function conversations(): readonly Conversation[] {
  return readJson<{ conversations: Conversation[] }>('captured.json').conversations
}

/** Every link frame of the fixtures. */
export function fixtureFrames(): Uint8Array[] {
  const hex = [
    ...linkVectors().valid.map((frame) => frame.hex),
    ...secureMessages().flatMap((message) => message.frames),
    ...conversations().flatMap(({ packets }) => packets.map((packet) => packet.hex)),
  ]
  return [...new Set(hex)].map(fromHex)
}

/** Every whole application fragment of the fixtures that came without link frames. */
export function fixtureFragments(): Uint8Array[] {
  const hex = [
    ...exchanges().flatMap(({ apdus }) => apdus.map(([, apdu]) => apdu)),
    ...secureMessages().map((m) => m.apdu),
  ]
  return [...new Set(hex)].map(fromHex)
}

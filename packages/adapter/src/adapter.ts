import type { TextWriter } from '@gridseal/wire'
import type { Direction, Frame, LinkId, ProtocolId } from './frame.ts'
import type { Framer, FramerOptions } from './framer.ts'

/** What a frame does, for policy. */
export type OperationKind =
  'read' | 'write' | 'control' | 'time' | 'file' | 'auth' | 'manage' | 'event' | 'response' | 'unknown'

/** Every kind, for checking configurations. */
export const OPERATION_KINDS: readonly OperationKind[] = [
  'read',
  'write',
  'control',
  'time',
  'file',
  'auth',
  'manage',
  'event',
  'response',
  'unknown',
]

export interface Operation {
  readonly kind: OperationKind
  /** Moves equipment, changes settings or stops the device from answering. */
  readonly critical: boolean
  /** What it acts on, in the protocol's words, e.g. `unit 1 hr/40001..40010`, `g12/1`. */
  readonly target?: string
}

/** One value read from a frame. */
export interface Reading {
  readonly link: LinkId
  /** Nanoseconds since 1970-01-01 UTC: the device's time stamp where it sends one, else the frame's. */
  readonly time: bigint
  /** Point name in the protocol's words, e.g. `g30/12`, `hr/40012`, `GGIO1$MX$AnIn1`. */
  readonly point: string
  readonly value: number | bigint | boolean | string
  readonly unit?: string
  readonly quality: 'good' | 'uncertain' | 'bad'
}

/** JSON-ready value of a field of a {@link Description}. */
export type FieldValue =
  string | number | boolean | null | readonly FieldValue[] | { readonly [name: string]: FieldValue }

/** One protocol data unit in words and fields, for logs and `inspect`. */
export interface Description {
  readonly protocol: ProtocolId
  /** Why it cannot be decoded, or null. */
  readonly malformed: string | null
  /** One line for people. */
  readonly summary: string
  /** The protocol's fields under stable names (function and service codes as numbers). */
  readonly fields: Readonly<Record<string, FieldValue>>
  /**
   * `fields` as the text of JSON members, without the braces; empty where there are none. Captures are mostly read by
   * programs, and this is what they are given.
   */
  readonly members: string
}

/**
 * Describes the frames of one conversation in order. Stateful, because what a frame says can depend on those before
 * it: fragments are reassembled, responses are paired with their requests. Bounded memory; never throws.
 */
export interface Inspector {
  push(frame: Uint8Array, direction: Direction): Description
  /**
   * The same for captures of millions of frames, without a description between: appends `members` of the description to
   * `into` and, unless `malformed` of it is null, the JSON text of that to `malformed`. `checked`: a framer has found the
   * check sums right, and they need not be checked again. Undefined where the protocol does not trouble to.
   */
  write?(frame: Uint8Array, direction: Direction, checked: boolean, into: TextWriter, malformed: TextWriter): void
  /**
   * Whether nothing of what it was given changes what it says of frames to come, so that it can go on with another
   * conversation as well as a new one. Undefined where the protocol does not tell.
   */
  readonly atRest?: boolean
}

/** Where a protocol is found in a capture. */
export interface Recognition {
  readonly tcpPorts: readonly number[]
  readonly udpPorts: readonly number[]
  readonly etherTypes: readonly number[]
  /** Whether these first bytes of a TCP stream or datagram on another port look like this protocol. */
  looksLike(bytes: Uint8Array): boolean
  /** The framing of UDP datagrams, where it is not the protocol's first. */
  readonly datagramFraming?: string
}

/** What frames may do, in a protocol's own terms; finer than kinds of operation. */
export interface FrameRules {
  /** Never throws; what cannot be decoded is not permitted. */
  permits(frame: Uint8Array, direction: Direction, framing?: string): boolean
}

/** Everything the bridge needs to know of a protocol. */
export interface ProtocolAdapter {
  readonly protocol: ProtocolId
  readonly recognition: Recognition
  /** The framings that {@link FramerOptions.framing} accepts; the first is the default. */
  readonly framings: readonly string[]
  /** Throws `UsageError` `adapter.framing` for a framing that is not listed. */
  framer(options: FramerOptions): Framer
  /** One frame on its own; never throws. */
  describe(frame: Uint8Array, direction: Direction, framing?: string): Description
  inspector(framing?: string): Inspector
  /** What the frame does; never throws, what cannot be decoded is `unknown`. */
  operation(frame: Uint8Array, direction: Direction, framing?: string): Operation
  /**
   * The policy rules of a protocol that has rules of its own, from what the configuration says. Throws `UsageError`
   * `adapter.rules` that says what is wrong.
   */
  readonly rules?: (raw: unknown) => FrameRules
  /**
   * What a gateway answers to a request when it has no path to the device, or the device does not answer. Undefined where
   * the protocol has no such answer, or not to this frame. Never throws.
   */
  unavailable?(request: Uint8Array, cause: 'path' | 'device', framing?: string): Uint8Array | undefined
  /**
   * Whether a device answers this frame of a master, so that a master which says no more still waits for something. Undefined
   * where the protocol cannot tell. Never throws.
   */
  expectsAnswer?(request: Uint8Array, framing?: string): boolean
  /**
   * Stateful: pairs responses with requests where the protocol needs it. `names`: what points shall be called instead.
   * Never throws.
   */
  readings(framing?: string, names?: PointNames): ReadingExtractor
  /**
   * The names that a file gives to points, in the form that the protocol's simulated devices read. Undefined where the
   * protocol has no such files. Throws `UsageError` that names file and place.
   */
  pointNames?(source: string, file: string): PointNames
}

/** Names of points, by what the protocol calls them, e.g. `g30/12`. */
export type PointNames = ReadonlyMap<string, string>

export interface ReadingExtractor {
  push(frame: Frame): Reading[]
}

import type { Packet } from '../packet.ts'

/** One capture interface: pcap files have exactly one, pcapng sections any number. */
export interface CaptureInterface {
  readonly linkType: number
  /** Most bytes kept of one packet; 0 = no limit. */
  readonly snapLength: number
  /** if_name, where the capture names it. */
  readonly name?: string
  /** Octets of Ethernet frame check sequence at the end of each packet, where the capture says so. */
  readonly fcsLength?: number
}

/** What a capture says about itself; grows while it is read. */
export interface CaptureInfo {
  readonly format: 'pcap' | 'pcapng'
  /** Of the file, or of the latest section. */
  readonly byteOrder: 'big' | 'little'
  /** All interfaces so far, over all sections; `Packet.interface` points here. */
  readonly interfaces: readonly CaptureInterface[]
  /** Sections so far (pcapng); 1 for pcap. */
  readonly sections: number
}

/** Why the reading of a capture ended before the end of the file. What came before it is good. */
export interface CaptureProblem {
  /** Stable code, e.g. `pcap.record.truncated`. */
  readonly code: string
  /** Byte offset in the file of the record or block concerned. */
  readonly offset: number
  readonly reason: string
}

/** What went wrong inside one record; the decoder adds the offset. */
export type RecordProblem = Omit<CaptureProblem, 'offset'>

/** Cuts and reads the records of one file format. Stateful: it learns interfaces and counts packets. */
export interface CaptureFormat {
  readonly info: CaptureInfo
  /** Bytes that `measure` must see. */
  readonly prefixLength: number
  /** Length in bytes of the record at `at`, of which at least `prefixLength` bytes are there, or why it cannot be one. */
  measure(view: DataView, at: number): number | RecordProblem
  /** Reads the whole record `at`..`end` and appends its packet, if it holds one. */
  read(source: Uint8Array, view: DataView, at: number, end: number, into: Packet[]): RecordProblem | undefined
}

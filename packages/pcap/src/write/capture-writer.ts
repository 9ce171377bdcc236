/** What a writer needs to know of one packet; a {@link Packet} that was read fits. */
export interface PacketRecord {
  /** Nanoseconds since 1970-01-01 UTC, not negative. */
  readonly time: bigint
  readonly bytes: Uint8Array
  /** Length on the wire; default: nothing was cut off. */
  readonly originalLength?: number
  /** Default: the writer's. pcap files hold one link type only. */
  readonly linkType?: number
}

/** Builds a capture in memory; `take` it as often as you like and the pieces joined are the file. */
export interface CaptureWriter {
  /** Appends one packet. Throws `UsageError` for what the format cannot hold. */
  add(packet: PacketRecord): this
  /** What was written since the last call, the file header first. */
  take(): Uint8Array<ArrayBuffer>
  /** Bytes waiting to be taken. */
  readonly pending: number
}

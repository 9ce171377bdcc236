// Packets
export { Packet } from './packet.ts'
export type { Clock, PacketFields } from './packet.ts'
export { LINK_TYPE } from './link-type.ts'

// Reading
export { Capture, openCapture, readCapture } from './read/open-capture.ts'
export type { CaptureSource, OpenCaptureOptions } from './read/open-capture.ts'
export { CaptureDecoder } from './read/capture-decoder.ts'
export type { CaptureInfo, CaptureInterface, CaptureProblem } from './read/format.ts'

// Walking
export { CaptureWalker } from './walk/capture-walker.ts'
export type { CapturePart, WalkCounters, WalkOptions } from './walk/capture-walker.ts'
export type {
  DatagramEvent,
  EthernetEvent,
  ProblemEvent,
  StreamCloseEvent,
  StreamCloseReason,
  StreamDataEvent,
  StreamDirection,
  StreamGapEvent,
  StreamOpenEvent,
  TcpStream,
  UserEvent,
  VlanTag,
  WalkEvent,
} from './walk/events.ts'
export type { Endpoint } from './walk/endpoint.ts'

// Writing
export { PcapWriter } from './write/pcap-writer.ts'
export type { PcapWriterOptions } from './write/pcap-writer.ts'
export { PcapngWriter } from './write/pcapng-writer.ts'
export type { NewInterface } from './write/pcapng-writer.ts'
export { CaptureFile } from './write/capture-file.ts'
export type { CaptureWriter, PacketRecord } from './write/capture-writer.ts'

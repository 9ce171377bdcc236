// Frames on links
export { opposite } from './frame.ts'
export type { Direction, Frame, LinkId, ProtocolId } from './frame.ts'

// Cutting a byte stream into frames
export type { Framer, FramerOptions, Medium } from './framer.ts'

// A protocol, for the bridge
export { OPERATION_KINDS } from './adapter.ts'
export type {
  Description,
  FieldValue,
  FrameRules,
  Inspector,
  Operation,
  OperationKind,
  PointNames,
  ProtocolAdapter,
  Reading,
  ReadingExtractor,
  Recognition,
} from './adapter.ts'

// Texts that go into many records
export { flatText } from './flat-text.ts'

// Link layer
export {
  LINK_HEADER,
  MAX_LINK_FRAME,
  MAX_USER_DATA,
  decodeLinkFrame,
  encodeLinkFrame,
  linkFrameLength,
} from './codec/link-frame.ts'
export type { LinkFrame } from './codec/link-frame.ts'
export { LINK, PRIMARY_FUNCTIONS, SECONDARY_FUNCTIONS, linkFunctionOf } from './codec/link-functions.ts'
export type { LinkFunction } from './codec/link-functions.ts'
export { BROADCAST, SELF_ADDRESS, checkLinkFrame, isBroadcast } from './codec/link-check.ts'
export type { LinkViolation } from './codec/link-check.ts'

// Transport function
export { MAX_SEGMENT, decodeSegment, encodeSegment, segmentFragment } from './codec/transport.ts'
export type { Segment } from './codec/transport.ts'
export { Reassembler } from './session/reassembly.ts'
export type { Assembly, ReassemblyLimits, TransportViolation } from './session/reassembly.ts'

// Application layer
export { decodeApplicationHeader, decodeFragment, encodeFragment } from './codec/application.ts'
export type { ApplicationControl, ApplicationHeader, Fragment } from './codec/application.ts'
export { FUNCTIONS, functionOf } from './codec/functions.ts'
export type { FunctionSpec, ObjectUse } from './codec/functions.ts'
export { IIN_NAMES, iinNames } from './codec/iin.ts'

// Objects
export { OBJECT_GROUPS, groupOf, layoutOf } from './codec/object-table.ts'
export type { GroupKind, ObjectGroup, PointType } from './codec/object-table.ts'
export type { FieldName, FieldType, ObjectField, ObjectLayout, StateBits } from './codec/object-layout.ts'
export { PREFIXES, RANGES } from './codec/qualifier.ts'
export type { ObjectRange, PrefixSpec, RangeSpec } from './codec/qualifier.ts'
export { isUnknown, stopError } from './codec/object-walk.ts'
export type { ObjectHeader, ObjectWalk, WalkStop } from './codec/object-walk.ts'
export { decodeObjects, encodeObjects, forEachObject } from './codec/objects.ts'
export type { HeaderForm, ObjectFields, ObjectValue } from './codec/objects.ts'
export { COMMAND_STATUS, OPERATION_TYPES, TRIP_CLOSE, decodeControlCode, encodeControlCode } from './codec/commands.ts'
export type { ControlCode } from './codec/commands.ts'
export { qualityOf } from './codec/flags.ts'
export type { Quality } from './codec/flags.ts'

// Objects of variable size
export { record } from './codec/record.ts'
export type { RecordCodec } from './codec/record.ts'
export { recordOf } from './codec/record-table.ts'
export * from './codec/file-objects.ts'
export * from './codec/security-objects.ts'
export * from './codec/attributes.ts'
export * from './codec/data-sets.ts'

// For the bridge
export { createFramer } from './framing/framer.ts'
export { dnp3Adapter } from './adapter.ts'

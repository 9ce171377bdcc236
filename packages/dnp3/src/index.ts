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
export type { ObjectHeader, ObjectWalk } from './codec/object-walk.ts'
export { isUnknown, stopError } from './codec/walk-stop.ts'
export type { WalkStop } from './codec/walk-stop.ts'
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

// What responses say of points
export { forEachMeasurement } from './codec/measurements.ts'
export type { Measurement } from './codec/measurements.ts'
export { allOctets, countOctets, headerOctets, rangeOctets, sizedOctets } from './codec/header-octets.ts'

// An outstation: points, the pure session, the station on a port
export { Outstation } from './station/outstation.ts'
export type { OutstationConfig } from './station/outstation.ts'
export { OutstationServer, serveOutstations } from './station/outstation-server.ts'
export type { ServeOptions } from './station/outstation-server.ts'
export { OutstationSession } from './session/outstation/outstation-session.ts'
export type { OutstationParts } from './session/outstation/parts.ts'
export type { OutstationOptions, UnsolicitedOptions } from './session/outstation/options.ts'
export type { OutstationCounters } from './session/outstation/counters.ts'
export type { CommandPhase, OutstationHandler } from './session/outstation/handler.ts'
export type { OutstationCommand } from './session/outstation/command.ts'
export { COMMAND } from './session/outstation/command-status.ts'
export { SimulatedOutputs } from './session/outstation/simulated-outputs.ts'
export { Database } from './session/outstation/database.ts'
export type { PointChange, PointOptions } from './session/outstation/database.ts'
export { DeviceClock } from './session/outstation/clock.ts'
export { POINT_KINDS } from './session/outstation/point-kinds.ts'
export type { PointKind, PointKindSpec } from './session/outstation/point-kinds.ts'
export { FLAGS } from './session/outstation/point.ts'
export type { EventClass } from './session/outstation/point.ts'
export { AttributeStore } from './session/outstation/attribute-store.ts'
export type { AttributeOptions } from './session/outstation/attribute-store.ts'
export { DATA_SET, DataSetStore } from './session/outstation/data-set-store.ts'
export type { DataSet } from './session/outstation/data-set-store.ts'
export { INTERVAL_UNITS, ScheduleStore } from './session/outstation/schedule-store.ts'
export type { Schedule } from './session/outstation/schedule-store.ts'
export type { FileOptions } from './session/outstation/file-desk.ts'
export { MemoryFiles } from './session/outstation/file-store.ts'
export type { FileInfo, FileStore, OpenFile } from './session/outstation/file-store.ts'

// A master: the pure session, the station
export { Master } from './station/master.ts'
export type { MasterStationOptions } from './station/master.ts'
export { RemoteOutstation } from './station/remote-outstation.ts'
export { Association } from './session/master/association.ts'
export type { AssociationHandler, AssociationParts } from './session/master/association.ts'
export type { AssociationOptions, PollClass, PollOptions, TimeSync } from './session/master/master-options.ts'
export { MasterChannel } from './session/master/master-channel.ts'
export type { MasterCounters } from './session/master/master-counters.ts'
export { classOctets, commandStatusName } from './session/master/procedures.ts'
export type { CommandResult } from './session/master/procedures.ts'
export { PRIORITY } from './session/master/task.ts'
export type { MasterProcedure, MasterReply, MasterRequest, Outcome, TaskTimeouts } from './session/master/task.ts'
export type { FileTransferOptions } from './session/master/file-procedures.ts'

// Secure authentication version 5
export { OutstationAuthenticator } from './session/security/outstation-authenticator.ts'
export type { OutstationSecurityOptions } from './session/security/security-options.ts'
export { FileSecurityStore } from './station/security-file.ts'
export { CRITICAL_FUNCTIONS } from './session/security/security-options.ts'
export type { SecurityState, SecurityStore, SecurityUser } from './session/security/users.ts'
export { MasterAuthenticator } from './session/security/master-authenticator.ts'
export type { MasterSecurityOptions } from './session/security/master-authenticator.ts'
export { changeUpdateKey, changeUserStatus } from './session/security/key-procedures.ts'
export type { UpdateKeySource } from './session/security/key-procedures.ts'
export { MAC_ALGORITHMS, SECURITY_ERROR_CODE, UPDATE_KEY_METHODS } from './session/security/algorithms.ts'
export { certification, encryptUpdateKey } from './session/security/key-material.ts'
export { ROLES } from './session/security/roles.ts'
export { SECURITY_STATISTICS } from './session/security/statistics.ts'
export { PQ_METHOD, PostQuantumAuthority, certifyUser, sealUpdateKey } from './session/security/post-quantum.ts'

// What both are made of
export { LinkChannel } from './session/link/link-channel.ts'
export type { ChannelStation } from './session/link/link-channel.ts'
export { CollisionAvoidance } from './session/link/collision-avoidance.ts'
export type { CollisionOptions } from './session/link/collision-avoidance.ts'
export { LinkStation } from './session/link/link-station.ts'
export type { LinkCounters } from './session/link/link-counters.ts'
export type { LinkLayerOptions } from './session/link/link-options.ts'
export { Outbox } from './session/outbox.ts'

// Points from a file, for simulated outstations and for names
export { parseSecurityModel } from './model/security-model.ts'
export type { SecurityModel } from './model/security-model.ts'
export { parseOutstationModel, pointNames } from './model/model.ts'
export type { OutstationModel, ScriptedChange } from './model/model.ts'

// For the bridge
export { createFramer } from './framing/framer.ts'
export { dnp3Adapter } from './adapter.ts'

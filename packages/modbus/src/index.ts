// PDUs: function codes, values, codec
export { DIAGNOSTICS, EXCEPTIONS, FUNCTIONS, diagnosticOf, functionByCode, functionOf } from './codec/functions.ts'
export type { FunctionKind, FunctionSpec, SubFunctionSpec, TableName } from './codec/functions.ts'
export type * from './codec/pdu.ts'
export {
  decodeRequest,
  decodeResponse,
  encodeException,
  encodeRequest,
  encodeResponse,
  examinePdu,
  functionCodeOf,
} from './codec/pdu-codec.ts'
export type { Examination, PduSide } from './codec/pdu-codec.ts'
export { bitAt, packBits, unpackBits } from './codec/bits.ts'
export { parseRangeName, pointName, rangeName } from './codec/reference.ts'

// ADUs: MBAP, RTU, ASCII
export { ADU_CODECS, FRAMINGS } from './codec/adu.ts'
export type { Adu, AduCodec, Framing } from './codec/adu.ts'
export { createFramer } from './framing/framer.ts'
export { HalfDuplexFramer } from './framing/half-duplex.ts'
export type { OverheardFrame } from './framing/half-duplex.ts'

// For the bridge
export { modbusAdapter } from './adapter.ts'

// A simulated device: the pure core, the meter, the server
export { ModbusDevice } from './session/device.ts'
export type { DeviceOptions, Line } from './session/device.ts'
export type { ServerId, UnitOptions } from './session/unit.ts'
export { DataTable } from './session/register-file.ts'
export type { Block, RegisterFile } from './session/register-file.ts'
export { METER_POINTS, METER_REGISTERS, meterSample, meterUnit, readMeter } from './session/meter-model.ts'
export type { MeterPoint, MeterReading, MeterSample } from './session/meter-model.ts'
export { ModbusServer } from './station/server.ts'
export type { ServerOptions } from './station/server.ts'
export type { ServerCounters } from './station/server-connection.ts'

// A client, and polling
export { ModbusClient } from './station/client.ts'
export type { ClientOptions, OpenOptions, RequestOptions } from './station/client.ts'
export { PRIORITIES } from './session/call.ts'
export type { Priority } from './session/call.ts'
export type { Answer } from './session/exchange.ts'
export type { ClientCounters } from './session/line-session.ts'
export type { SessionOptions, UnitNeeds } from './session/session-options.ts'
export type { UnitBackoff } from './session/unit-state.ts'
export { Poller } from './station/poller.ts'
export type { PollResult, PolledDevice, PollerCounters } from './station/poller.ts'
export { mergeReads } from './session/merge.ts'
export type { MergedRead, Range, ReadLimits } from './session/merge.ts'

// Device maps: names, types, units
export { parseDeviceMap } from './map/parse-map.ts'
export type { MapProblem } from './map/parse-map.ts'
export { cellsOf, valueOf } from './map/device-map.ts'
export type { DeviceMap, MapPoint } from './map/device-map.ts'
export { cellsIn, mapOfRanges, readingsIn, requestOf, unitOfMap, writeOf } from './map/map-readings.ts'
export { ORDERS, VALUE_TYPES, decodeValue, encodeValue } from './map/value-types.ts'
export type { Order, Value, ValueType } from './map/value-types.ts'

// SunSpec
export { SUNSPEC_MODELS, sunSpecModel } from './sunspec/models.ts'
export type { SunSpecModel, SunSpecPoint, SunSpecType } from './sunspec/models.ts'
export { discoverSunSpec, readSunSpecBlock } from './sunspec/discover.ts'
export type { ReadRegisters, SunSpecBlock } from './sunspec/discover.ts'
export { sunSpecValues, sunSpecWords } from './sunspec/values.ts'
export type { SunSpecValue } from './sunspec/values.ts'
export { sunSpecUnit } from './sunspec/simulated.ts'

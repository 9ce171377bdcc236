/**
 * SunSpec models as data: one row a point, in the order in which they lie in the registers after the two of model
 * identifier and length. Names, units and sizes as the SunSpec model definitions give them.
 */

export type SunSpecType =
  | 'int16'
  | 'uint16'
  | 'acc32'
  | 'enum16'
  | 'bitfield32'
  | 'float32'
  /** Scale factor: the values that name it are to be multiplied by 10 to its power. */
  | 'sunssf'
  | 'pad'
  | `string${number}`

export interface SunSpecPoint {
  readonly name: string
  readonly type: SunSpecType
  /** Registers. */
  readonly size: number
  /** Offset from the model identifier, registers. */
  readonly offset: number
  readonly unit: string | undefined
  /** Name of the point that scales this one. */
  readonly scale: string | undefined
}

export interface SunSpecModel {
  readonly id: number
  readonly label: string
  /** Registers after the length; a device may leave out a pad at the end. */
  readonly length: number
  readonly points: readonly SunSpecPoint[]
}

/** `name type [unit [scale]]`. */
type Row = string

/** Identifier and length stand before the first point. */
const FIRST_POINT = 2

const rowsOf = (names: string, rest: string): Row[] => names.split(' ').map((name) => `${name} ${rest}`)

const COMMON: readonly Row[] = [
  'Mn string16',
  'Md string16',
  'Opt string8',
  'Vr string8',
  'SN string16',
  'DA uint16',
  'Pad pad',
]

const INVERTER: readonly Row[] = [
  ...rowsOf('A AphA AphB AphC', 'uint16 A A_SF'),
  'A_SF sunssf',
  ...rowsOf('PPVphAB PPVphBC PPVphCA PhVphA PhVphB PhVphC', 'uint16 V V_SF'),
  'V_SF sunssf',
  'W int16 W W_SF',
  'W_SF sunssf',
  'Hz uint16 Hz Hz_SF',
  'Hz_SF sunssf',
  'VA int16 VA VA_SF',
  'VA_SF sunssf',
  'VAr int16 var VAr_SF',
  'VAr_SF sunssf',
  'PF int16 Pct PF_SF',
  'PF_SF sunssf',
  'WH acc32 Wh WH_SF',
  'WH_SF sunssf',
  'DCA uint16 A DCA_SF',
  'DCA_SF sunssf',
  'DCV uint16 V DCV_SF',
  'DCV_SF sunssf',
  'DCW int16 W DCW_SF',
  'DCW_SF sunssf',
  ...rowsOf('TmpCab TmpSnk TmpTrns TmpOt', 'int16 C Tmp_SF'),
  'Tmp_SF sunssf',
  'St enum16',
  'StVnd enum16',
  ...rowsOf('Evt1 Evt2 EvtVnd1 EvtVnd2 EvtVnd3 EvtVnd4', 'bitfield32'),
]

const INVERTER_FLOAT: readonly Row[] = [
  ...rowsOf('A AphA AphB AphC', 'float32 A'),
  ...rowsOf('PPVphAB PPVphBC PPVphCA PhVphA PhVphB PhVphC', 'float32 V'),
  'W float32 W',
  'Hz float32 Hz',
  'VA float32 VA',
  'VAr float32 var',
  'PF float32 Pct',
  'WH float32 Wh',
  'DCA float32 A',
  'DCV float32 V',
  'DCW float32 W',
  ...rowsOf('TmpCab TmpSnk TmpTrns TmpOt', 'float32 C'),
  'St enum16',
  'StVnd enum16',
  ...rowsOf('Evt1 Evt2 EvtVnd1 EvtVnd2 EvtVnd3 EvtVnd4', 'bitfield32'),
]

/** Model 201 calls the voltages between lines by other names than its fellows do. */
const meter = (betweenLines: string): readonly Row[] => [
  ...rowsOf('A AphA AphB AphC', 'int16 A A_SF'),
  'A_SF sunssf',
  ...rowsOf(`PhV PhVphA PhVphB PhVphC PPV ${betweenLines}`, 'int16 V V_SF'),
  'V_SF sunssf',
  'Hz int16 Hz Hz_SF',
  'Hz_SF sunssf',
  ...rowsOf('W WphA WphB WphC', 'int16 W W_SF'),
  'W_SF sunssf',
  ...rowsOf('VA VAphA VAphB VAphC', 'int16 VA VA_SF'),
  'VA_SF sunssf',
  ...rowsOf('VAR VARphA VARphB VARphC', 'int16 var VAR_SF'),
  'VAR_SF sunssf',
  ...rowsOf('PF PFphA PFphB PFphC', 'int16 Pct PF_SF'),
  'PF_SF sunssf',
  ...rowsOf('TotWhExp TotWhExpPhA TotWhExpPhB TotWhExpPhC', 'acc32 Wh TotWh_SF'),
  ...rowsOf('TotWhImp TotWhImpPhA TotWhImpPhB TotWhImpPhC', 'acc32 Wh TotWh_SF'),
  'TotWh_SF sunssf',
  ...rowsOf('TotVAhExp TotVAhExpPhA TotVAhExpPhB TotVAhExpPhC', 'acc32 VAh TotVAh_SF'),
  ...rowsOf('TotVAhImp TotVAhImpPhA TotVAhImpPhB TotVAhImpPhC', 'acc32 VAh TotVAh_SF'),
  'TotVAh_SF sunssf',
  ...rowsOf('TotVArhImpQ1 TotVArhImpQ1PhA TotVArhImpQ1PhB TotVArhImpQ1PhC', 'acc32 varh TotVArh_SF'),
  ...rowsOf('TotVArhImpQ2 TotVArhImpQ2PhA TotVArhImpQ2PhB TotVArhImpQ2PhC', 'acc32 varh TotVArh_SF'),
  ...rowsOf('TotVArhExpQ3 TotVArhExpQ3PhA TotVArhExpQ3PhB TotVArhExpQ3PhC', 'acc32 varh TotVArh_SF'),
  ...rowsOf('TotVArhExpQ4 TotVArhExpQ4PhA TotVArhExpQ4PhB TotVArhExpQ4PhC', 'acc32 varh TotVArh_SF'),
  'TotVArh_SF sunssf',
  'Evt bitfield32',
]

const METER = meter('PhVphAB PhVphBC PhVphCA')
const METER_SINGLE = meter('PPVphAB PPVphBC PPVphCA')

const METER_FLOAT: readonly Row[] = [
  ...rowsOf('A AphA AphB AphC', 'float32 A'),
  ...rowsOf('PhV PhVphA PhVphB PhVphC PPV PPVphAB PPVphBC PPVphCA', 'float32 V'),
  'Hz float32 Hz',
  ...rowsOf('W WphA WphB WphC', 'float32 W'),
  ...rowsOf('VA VAphA VAphB VAphC', 'float32 VA'),
  ...rowsOf('VAR VARphA VARphB VARphC', 'float32 var'),
  ...rowsOf('PF PFphA PFphB PFphC', 'float32 PF'),
  ...rowsOf('TotWhExp TotWhExpPhA TotWhExpPhB TotWhExpPhC', 'float32 Wh'),
  ...rowsOf('TotWhImp TotWhImpPhA TotWhImpPhB TotWhImpPhC', 'float32 Wh'),
  ...rowsOf('TotVAhExp TotVAhExpPhA TotVAhExpPhB TotVAhExpPhC', 'float32 VAh'),
  ...rowsOf('TotVAhImp TotVAhImpPhA TotVAhImpPhB TotVAhImpPhC', 'float32 VAh'),
  ...rowsOf('TotVArhImpQ1 TotVArhImpQ1phA TotVArhImpQ1phB TotVArhImpQ1phC', 'float32 varh'),
  ...rowsOf('TotVArhImpQ2 TotVArhImpQ2phA TotVArhImpQ2phB TotVArhImpQ2phC', 'float32 varh'),
  ...rowsOf('TotVArhExpQ3 TotVArhExpQ3phA TotVArhExpQ3phB TotVArhExpQ3phC', 'float32 varh'),
  ...rowsOf('TotVArhExpQ4 TotVArhExpQ4phA TotVArhExpQ4phB TotVArhExpQ4phC', 'float32 varh'),
  'Evt bitfield32',
]

const SIZES: Readonly<Record<string, number>> = { acc32: 2, bitfield32: 2, float32: 2 }

function sizeOf(type: string): number {
  return type.startsWith('string') ? Number(type.slice('string'.length)) : (SIZES[type] ?? 1)
}

function model(id: number, label: string, rows: readonly Row[]): SunSpecModel {
  let offset = FIRST_POINT
  const points = rows.map((row): SunSpecPoint => {
    const [name = '', type = '', unit, scale] = row.split(' ')
    const point = { name, type: type as SunSpecType, size: sizeOf(type), offset, unit, scale }
    offset += point.size
    return point
  })
  return { id, label, length: offset - FIRST_POINT, points }
}

export const SUNSPEC_MODELS: readonly SunSpecModel[] = [
  model(1, 'common', COMMON),
  model(101, 'inverter, single phase', INVERTER),
  model(102, 'inverter, split phase', INVERTER),
  model(103, 'inverter, three phase', INVERTER),
  model(111, 'inverter, single phase, float', INVERTER_FLOAT),
  model(112, 'inverter, split phase, float', INVERTER_FLOAT),
  model(113, 'inverter, three phase, float', INVERTER_FLOAT),
  model(201, 'meter, single phase', METER_SINGLE),
  model(202, 'meter, split phase', METER),
  model(203, 'meter, three phase, wye', METER),
  model(204, 'meter, three phase, delta', METER),
  model(211, 'meter, single phase, float', METER_FLOAT),
  model(212, 'meter, split phase, float', METER_FLOAT),
  model(213, 'meter, three phase, wye, float', METER_FLOAT),
  model(214, 'meter, three phase, delta, float', METER_FLOAT),
]

const BY_ID = new Map(SUNSPEC_MODELS.map((one) => [one.id, one]))

/** The model with an identifier, where it is known. */
export function sunSpecModel(id: number): SunSpecModel | undefined {
  return BY_ID.get(id)
}

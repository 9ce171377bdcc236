import { InvalidArgumentError, Option } from 'commander'
import type { Command } from 'commander'
import type { PollModbusOptions } from '../poll/modbus.ts'

/** `gridseal poll modbus`. */
export function addPollModbus(poll: Command, exit: (code: number) => void): void {
  const number = (text: string): number => {
    const value = Number(text)
    if (Number.isSafeInteger(value) && value >= 0) return value
    throw new InvalidArgumentError('not a whole number')
  }
  const several = (value: string, before: readonly string[]): readonly string[] => [...before, value]
  poll
    .command('modbus')
    .description('a Modbus client')
    .requiredOption('--connect <url>', 'tcp://HOST:PORT or serial:///dev/tty…?baud=9600')
    .addOption(new Option('--framing <name>', 'instead of the usual one').choices(['tcp', 'rtu', 'ascii']))
    .addOption(new Option('--unit <n>', 'unit id').argParser(number).default(1))
    .option('--model <file>', 'device map, YAML or CSV: names, types, units, periods')
    .option('--read <range>', 'registers or bits, e.g. hr/40001..40010 (repeatable)', several, [])
    .option('--sunspec', 'find the SunSpec models of the device and read them', false)
    .option('--identify', 'ask what the device is (functions 43/14 and 17)', false)
    .option('--write <point=value>', 'before reading, e.g. hr/40001=5 or a point of the map (repeatable)', several, [])
    .option('--period <duration>', 'between reads; default what the map says, else 1s')
    .option('--timeout <duration>', 'for one answer', '1s')
    .option('--once', 'read everything once', false)
    .option('--json', 'NDJSON on standard output', false)
    .option('--for <duration>', 'end by itself, e.g. 20s')
    .action(async (options: PollModbusOptions) => {
      const { pollModbus } = await import('../poll/modbus.ts')
      exit(await pollModbus(options))
    })
}

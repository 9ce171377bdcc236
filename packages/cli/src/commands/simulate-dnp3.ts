import { InvalidArgumentError, Option } from 'commander'
import type { Command } from 'commander'
import type { SimulateDnp3Options } from '../simulate/dnp3.ts'

/** `gridseal simulate dnp3`. */
export function addSimulateDnp3(simulate: Command, exit: (code: number) => void): void {
  simulate
    .command('dnp3')
    .description('a DNP3 outstation')
    .requiredOption(
      '--listen <url>',
      'tcp://HOST:PORT, tls://HOST:PORT, udp://HOST:PORT or serial:///dev/tty…?baud=9600',
    )
    .addOption(new Option('--local <n>', 'link address of the outstation').argParser(address).default(10))
    .addOption(new Option('--remote <n>', 'link address of the master').argParser(address).default(1))
    .addOption(
      new Option('--points <n>', 'analog inputs that wander, beside ten of each other kind')
        .argParser(count)
        .default(10),
    )
    .option('--model <file>', 'points and scripted changes, YAML or CSV, instead of --points')
    .option('--security <file>', 'secure authentication: users and keys, YAML')
    .option('--connect', 'connect to a master that listens at the URL', false)
    .option('--any-master', 'answer masters of every address', false)
    .option('--cert <file>', 'own certificate for tls://, PEM')
    .option('--key <file>', 'its key, PEM')
    .option('--ca <file>', 'whose certificates to trust, PEM')
    .option('--json', 'NDJSON on standard output', false)
    .option('--for <duration>', 'end by itself, e.g. 20s')
    .action(async (options: SimulateDnp3Options) => {
      const { simulateDnp3 } = await import('../simulate/dnp3.ts')
      exit(await simulateDnp3(options))
    })
}

/** A link address that a station can have. */
export function address(text: string): number {
  const value = count(text)
  if (value > 0xffef) throw new InvalidArgumentError('a link address is a number from 0 to 65519')
  return value
}

export function count(text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw new InvalidArgumentError('not a whole number')
}

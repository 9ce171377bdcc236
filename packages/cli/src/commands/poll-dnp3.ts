import { Option } from 'commander'
import type { Command } from 'commander'
import type { PollDnp3Options } from '../poll/dnp3.ts'
import { address } from './simulate-dnp3.ts'

/** `gridseal poll dnp3`. */
export function addPollDnp3(poll: Command, exit: (code: number) => void): void {
  const several = (value: string, before: readonly string[]): readonly string[] => [...before, value]
  poll
    .command('dnp3')
    .description('a DNP3 master: integrity poll, events, commands')
    .requiredOption(
      '--connect <url>',
      'tcp://HOST:PORT, tls://HOST:PORT, udp://HOST:PORT or serial:///dev/tty…?baud=9600',
    )
    .addOption(new Option('--local <n>', 'link address of the master').argParser(address).default(1))
    .addOption(new Option('--remote <n>', 'link address of the outstation').argParser(address).default(10))
    .option('--model <file>', 'names of the points, YAML or CSV as for simulate')
    .option('--listen', 'wait at the URL for the outstation to connect', false)
    .option('--period <duration>', 'between integrity polls; default: only at the start')
    .option('--events <duration>', 'between polls of classes 1 to 3; default: unsolicited responses only')
    .addOption(
      new Option('--time <how>', 'set the outstation’s clock')
        .choices(['lan', 'serial', 'direct', 'none'])
        .default('none'),
    )
    .option(
      '--command <point=value>',
      'e.g. bo/3=on, bo/3=off, bo/3=close, bo/3=trip, ao/1=12.5 (repeatable)',
      several,
      [],
    )
    .option('--direct', 'DIRECT_OPERATE instead of SELECT and OPERATE', false)
    .option('--attributes', 'read the device attributes', false)
    .option('--timeout <duration>', 'for one answer', '5s')
    .option('--once', 'one integrity poll, then end', false)
    .option('--update-key <file>', 'secure authentication: key file of the user, taken up again when it changes')
    .option('--cert <file>', 'own certificate for tls://, PEM')
    .option('--key <file>', 'its key, PEM')
    .option('--ca <file>', 'whose certificates to trust, PEM')
    .option('--json', 'NDJSON on standard output', false)
    .option('--for <duration>', 'end by itself, e.g. 20s')
    .action(async (options: PollDnp3Options) => {
      const { pollDnp3 } = await import('../poll/dnp3.ts')
      exit(await pollDnp3(options))
    })
}

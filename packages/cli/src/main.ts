import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import type { ExtractOptions } from './commands/extract.ts'
import type { InspectOptions } from './inspect/inspect-file.ts'
import { addCertCommands } from './commands/cert-program.ts'
import type { KeygenOptions, KeysOptions } from './commands/keygen.ts'
import type { ReplayOptions } from './commands/replay.ts'
import { addJournalCommands } from './commands/journal-program.ts'
import type { RunOptions } from './commands/run.ts'
import type { SelfTestOptions } from './commands/selftest.ts'
import type { SimulateModbusOptions } from './commands/simulate.ts'
import type { VerifyCommandOptions } from './commands/verify.ts'
import type { DemoOptions } from './demo/demo.ts'
import { addPoll } from './commands/poll.ts'
import { addSimulateDnp3 } from './commands/simulate-dnp3.ts'
import { describeError } from '@gridseal/wire'
import { EXIT, complain, reportError } from './output.ts'

// Each command's module is loaded when it is called: `gridseal keys` must not pay for the bridges.

const algorithm = (): Option => new Option('--algorithm <name>', 'signature algorithm').default('ML-DSA-65')
const json = (): Option => new Option('--json', 'NDJSON on standard output').default(false)
const journalKey = (): Option => new Option('--journal-key <file>', 'key of a journal that is encrypted at rest')
const forHow = (): Option => new Option('--for <duration>', 'end by itself, e.g. 20s')
const keys = (): Option =>
  new Option('--key <file>', 'public key that is trusted (repeatable)').argParser(several).default([])

function whole(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('not a whole number')
  return value
}

function threads(text: string): number {
  const value = whole(text)
  if (value < 1 || value > 64) throw new InvalidArgumentError('a number from 1 to 64')
  return value
}

/** `1,4,10-12`. */
function numbers(text: string): readonly number[] {
  return text.split(',').flatMap((part) => {
    const [first = '', last = first] = part.split('-')
    const [from, to] = [whole(first), whole(last)]
    if (first === '' || last === '' || to < from || to - from > 255) throw new InvalidArgumentError('e.g. 1,4,10-12')
    return Array.from({ length: to - from + 1 }, (_, i) => from + i)
  })
}

function speed(text: string): number | 'max' {
  if (text === 'max') return 'max'
  const value = text === 'real' ? 1 : Number(text)
  if (!(value > 0)) throw new InvalidArgumentError('allowed: max, real, or a factor such as 10')
  return value
}

function several(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value]
}

/** The command line, without side effects until it is parsed. `exit` gets the code of a command that has one. */
export function program(exit: (code: number) => void): Command {
  const command = new Command('gridseal')
    .description('Carries legacy grid protocols across a quantum-age network')
    .version('0.1.0')
    .exitOverride()
    .showHelpAfterError('(gridseal --help shows what there is)')

  command
    .command('inspect <file...>')
    .description('one record per protocol data unit of captures')
    .addOption(json())
    .option('--protocol <name>', 'only this protocol')
    .addOption(new Option('--threads <n>', 'default: as many as pay').argParser(threads))
    .action(async (files: string[], options: InspectOptions) => {
      const { inspect } = await import('./commands/inspect.ts')
      exit(await inspect(files, options))
    })

  command
    .command('replay <file...>')
    .description('drive captures through a real pair of bridges and check what comes out')
    .addOption(new Option('--speed <speed>', 'max, real, or a factor').argParser(speed).default('max'))
    .addOption(algorithm())
    .option('--journal <directory>', 'keep the journals of both bridges here')
    .addOption(json())
    .action(async (files: string[], options: ReplayOptions) => {
      const { replay } = await import('./commands/replay.ts')
      const { signatureAlgorithm } = await import('./commands/algorithm.ts')
      exit(await replay(files, { ...options, algorithm: signatureAlgorithm(options.algorithm) }))
    })

  command
    .command('run')
    .description('run a bridge')
    .requiredOption('-c, --config <file>', 'YAML configuration')
    .addOption(json())
    .option('--interval <duration>', 'between statistics with --json', '1s')
    .addOption(
      new Option('--level <level>', 'least level of events')
        .choices(['debug', 'info', 'warn', 'error'])
        .default('info'),
    )
    .addOption(forHow())
    .action(async (options: RunOptions) => {
      const { run } = await import('./commands/run.ts')
      exit(await run(options))
    })

  command
    .command('check')
    .description('validate a configuration and explain it')
    .requiredOption('-c, --config <file>', 'YAML configuration')
    .addOption(json())
    .action(async (options: { config: string; json: boolean }) => {
      const { check } = await import('./commands/check.ts')
      await check(options.config, options.json)
    })

  command
    .command('keygen <file>')
    .description('make an identity: FILE (private, mode 0600) and its .pub')
    .addOption(algorithm())
    .option('--force', 'replace existing files', false)
    .option('--encrypt', 'encrypt the private key with GRIDSEAL_PASSPHRASE', false)
    .addOption(json())
    .action(async (file: string, options: KeygenOptions) => {
      const { keygen } = await import('./commands/keygen.ts')
      await keygen(file, options)
    })

  command
    .command('keys <file...>')
    .description('show algorithm and fingerprint of public keys')
    .addOption(new Option('--form <form>', 'show the keys themselves').choices(['jwk', 'cose', 'pem']))
    .addOption(json())
    .action(async (files: string[], options: KeysOptions) => {
      const { keys: show } = await import('./commands/keygen.ts')
      await show(files, options)
    })

  addCertCommands(command, exit)

  command
    .command('selftest')
    .description('run every cryptographic self-test and show each')
    .option('--integrity-key <file>', 'public key of the release: check the shipped files, too')
    .option('--seal <file>', 'private key of the release: write the manifest of the shipped files')
    .addOption(json())
    .action(async (options: SelfTestOptions) => {
      const { selftest } = await import('./commands/selftest.ts')
      exit(await selftest(options))
    })

  command
    .command('verify <path>')
    .description('verify a journal directory, a receipt or a proof of consistency, offline')
    .addOption(journalKey())
    .addOption(keys())
    .addOption(json())
    .action(async (path: string, options: VerifyCommandOptions) => {
      const { verify } = await import('./commands/verify.ts')
      exit(await verify(path, options))
    })

  command
    .command('extract <journal>')
    .description('cut a receipt for one frame, or a proof that a log only grew, out of a journal')
    .addOption(journalKey())
    .addOption(new Option('--from <batch>', 'with --stream: prove that nothing was rewritten since').argParser(whole))
    .addOption(new Option('--to <batch>', 'and until; default the last').argParser(whole))
    .addOption(new Option('--frame <n>', 'the n-th frame, from 1').argParser(whole))
    .option('--stream <id>', 'log id in hex, or its first characters')
    .addOption(new Option('--sequence <n>', 'index of the leaf in that log').argParser(whole))
    .option('-o, --output <file>', 'receipt file')
    .option('--list', 'list the frames instead', false)
    .addOption(keys())
    .addOption(json())
    .action(async (directory: string, options: ExtractOptions) => {
      const { extract } = await import('./commands/extract.ts')
      await extract(directory, options)
    })

  addJournalCommands(command, exit)

  const simulate = command.command('simulate').description('a device of a protocol')
  simulate
    .command('modbus')
    .description('a Modbus meter')
    .requiredOption('--listen <url>', 'tcp://HOST:PORT or serial:///dev/tty…?baud=9600')
    .addOption(new Option('--unit <list>', 'unit ids, e.g. 1 or 1,4,10-12').argParser(numbers).default([1], '1'))
    .addOption(new Option('--framing <name>', 'instead of the usual one').choices(['tcp', 'rtu', 'ascii']))
    .addOption(new Option('--profile <name>', 'what it is').choices(['meter', 'sunspec']).default('meter'))
    .option('--model <file>', 'device map, YAML or CSV, instead of a profile')
    .option('--direct', 'the first unit answers as 0 and 255, too', false)
    .addOption(
      new Option('--unknown-unit <how>', 'what units get that are not there')
        .choices(['exception', 'silence'])
        .default('exception'),
    )
    .addOption(json())
    .addOption(forHow())
    .action(async (options: SimulateModbusOptions) => {
      const { simulateModbus } = await import('./commands/simulate.ts')
      exit(await simulateModbus(options))
    })

  addSimulateDnp3(simulate, exit)
  addPoll(command, exit)

  command
    .command('doctor')
    .description('report on this machine')
    .option('-c, --config <file>', 'check this configuration, too')
    .addOption(json())
    .action(async (options: { config?: string; json: boolean }) => {
      const { doctor } = await import('./commands/doctor.ts')
      exit(await doctor(options))
    })

  command
    .command('bench [name...]')
    .description('benchmarks (from a checkout)')
    .addOption(json())
    .action(async (names: string[], options: { json: boolean }) => {
      const { bench } = await import('./commands/bench.ts')
      await bench(names, options.json)
    })

  command
    .command('demo')
    .description('simulated meter, two bridges and replayed captures, with a live view')
    .addOption(forHow())
    .option('--plain', 'lines instead of a live view', false)
    .action(async (options: DemoOptions) => {
      const { demo } = await import('./demo/demo.ts')
      exit(await demo(options))
    })

  return command
}

/** Runs the command line and returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  let code = EXIT.ok
  try {
    await program((result) => {
      code = result
    }).parseAsync(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    return reportError(error)
  }
  return code
}

// Whoever reads our output may stop reading, as `head` does. What the command would have found is not known then: the code is
// that of a program which SIGPIPE has ended, never that of success.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.brokenPipe)
  complain(`gridseal: cannot write to standard output: ${describeError(error)}`)
  process.exit(EXIT.failed)
})

// Not awaited: a command may load this very module again, through the package, and would wait for itself.
if (import.meta.main) {
  void main(process.argv.slice(2)).then((code) => {
    process.exitCode = code
  })
}

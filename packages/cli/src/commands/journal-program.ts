import { InvalidArgumentError, Option } from 'commander'
import type { Command } from 'commander'
import type { JournalCommandOptions, JournalExportOptions, JournalTailOptions } from './journal.ts'

const json = (): Option => new Option('--json', 'NDJSON on standard output').default(false)
const journalKey = (): Option => new Option('--journal-key <file>', 'key of a journal that is encrypted at rest')

function whole(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('not a whole number')
  return value
}

function several(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value]
}

/** `gridseal journal`: looks into a journal, also while a bridge writes to it. */
export function addJournalCommands(program: Command, exit: (code: number) => void): void {
  const journal = program.command('journal').description('look into a journal')

  journal
    .command('ls <directory>')
    .description('segments and the logs they hold')
    .addOption(journalKey())
    .addOption(json())
    .action(async (directory: string, options: JournalCommandOptions) => {
      const { journalLs } = await import('./journal.ts')
      await journalLs(directory, options)
    })

  journal
    .command('stats <directory>')
    .description('size, streams, and what still waits')
    .addOption(journalKey())
    .addOption(json())
    .action(async (directory: string, options: JournalCommandOptions) => {
      const { journalStats } = await import('./journal.ts')
      await journalStats(directory, options)
    })

  journal
    .command('tail <directory>')
    .description('the last frames')
    .addOption(new Option('-n, --count <n>', 'how many').argParser(whole).default(10))
    .option('-f, --follow', 'and those that come', false)
    .option('--for <duration>', 'with --follow: end by itself, e.g. 20s')
    .addOption(journalKey())
    .addOption(json())
    .action(async (directory: string, options: JournalTailOptions) => {
      const { journalTail } = await import('./journal.ts')
      await journalTail(directory, options)
    })

  journal
    .command('export <directory>')
    .description('verified frames as NDJSON, or as a capture for protocol analysers')
    .addOption(new Option('--format <format>', 'what to write').choices(['ndjson', 'pcap']).default('ndjson'))
    .option('-o, --output <file>', 'where to; NDJSON: default standard output')
    .option('--link <id>', 'only this link')
    .addOption(new Option('--key <file>', 'public key that is trusted (repeatable)').argParser(several).default([]))
    .addOption(journalKey())
    .addOption(json())
    .action(async (directory: string, options: JournalExportOptions) => {
      const { journalExport } = await import('./journal.ts')
      exit(await journalExport(directory, options))
    })
}

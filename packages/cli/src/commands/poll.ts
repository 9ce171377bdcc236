import type { Command } from 'commander'
import { addPollDnp3 } from './poll-dnp3.ts'
import { addPollModbus } from './poll-modbus.ts'

/** Tells the process's exit code. */
export type Exit = (code: number) => void

/** A protocol's own part of `poll`: its options, and its work, which it loads when it is called. */
const PROTOCOLS: readonly ((poll: Command, exit: Exit) => void)[] = [addPollModbus, addPollDnp3]

/** `gridseal poll PROTOCOL`. */
export function addPoll(program: Command, exit: Exit): void {
  const poll = program.command('poll').description('a master of a protocol: reads, writes, prints readings')
  for (const add of PROTOCOLS) add(poll, exit)
}

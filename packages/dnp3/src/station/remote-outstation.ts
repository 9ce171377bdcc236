import { ProtocolError } from '@gridseal/wire'
import type { AttributeValue } from '../codec/attributes.ts'
import { decodeAttribute } from '../codec/attributes.ts'
import type { FileDescriptor } from '../codec/file-objects.ts'
import { allOctets, headerOctets, rangeOctets } from '../codec/header-octets.ts'
import { decodeObjects } from '../codec/objects.ts'
import type { Association } from '../session/master/association.ts'
import type { FileTransferOptions } from '../session/master/file-procedures.ts'
import {
  authenticateFile,
  deleteFile,
  fileInfo,
  readDirectory,
  readFile,
  writeFile,
} from '../session/master/file-procedures.ts'
import type { PollClass, TimeSync } from '../session/master/master-options.ts'
import type { CommandResult } from '../session/master/procedures.ts'
import { classOctets, operateCommands, plainRequest, restart, synchroniseTime } from '../session/master/procedures.ts'
import { PRIORITY } from '../session/master/task.ts'
import type { MasterProcedure, MasterReply, TaskTimeouts } from '../session/master/task.ts'
import type { OutstationCommand } from '../session/outstation/command.ts'
import { now, utcAt } from './clock.ts'

const READ = 1
const WRITE = 2
const ENABLE_UNSOLICITED = 20
const DISABLE_UNSOLICITED = 21
const ASSIGN_CLASS = 22
const FREEZES = { freeze: 7, 'freeze-clear': 9 } as const

/** An outstation as its master's user sees it. Every call is a task that waits for its turn; errors are `ProtocolError`s. */
export class RemoteOutstation {
  readonly association: Association
  readonly #touch: () => void

  constructor(association: Association, touch: () => void) {
    this.association = association
    this.#touch = touch
  }

  /** Runs a procedure of any kind. */
  run<T>(
    name: string,
    procedure: (now: number) => MasterProcedure<T>,
    priority: number = PRIORITY.user,
    timeouts: TaskTimeouts = {},
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      this.association.submit<T>(
        name,
        procedure,
        (outcome) => (outcome.ok ? resolve(outcome.value) : reject(outcome.error)),
        now(),
        priority,
        timeouts,
      )
      this.#touch()
    })
  }

  /** Reads; the points come to the master's handler, too. */
  read(objects: Uint8Array): Promise<MasterReply> {
    return this.run('read', () => plainRequest(READ, objects))
  }

  readClasses(...classes: readonly PollClass[]): Promise<MasterReply> {
    return this.read(classOctets(classes))
  }

  write(objects: Uint8Array): Promise<MasterReply> {
    return this.run('write', () => plainRequest(WRITE, objects))
  }

  /** Any function, with headers and objects of the caller's making. */
  request(code: number, objects?: Uint8Array): Promise<MasterReply> {
    return this.run(`function ${code}`, () => plainRequest(code, objects))
  }

  /** SELECT and OPERATE, or DIRECT_OPERATE, or DIRECT_OPERATE_NR. */
  operate(
    commands: readonly OutstationCommand[],
    mode: 'select' | 'direct' | 'direct-no-response' = 'select',
  ): Promise<CommandResult> {
    return this.run('command', () => operateCommands(commands, mode), PRIORITY.command)
  }

  synchroniseTime(kind: Exclude<TimeSync, 'none'>): Promise<void> {
    return this.run('time', (at) => synchroniseTime(kind, utcAt, at))
  }

  /** Milliseconds until it can be reached again. */
  restart(kind: 'cold' | 'warm'): Promise<number> {
    return this.run('restart', () => restart(kind))
  }

  /** Freezes counters (g20) or analogs (g30): all, or a range. */
  freeze(group: 20 | 30, how: keyof typeof FREEZES = 'freeze', start?: number, stop?: number): Promise<MasterReply> {
    return this.request(FREEZES[how], rangeOrAll(group, start, stop))
  }

  /** Freezes at a time, UTC milliseconds, and again after every `interval` milliseconds. */
  freezeAt(group: 20 | 30, time: number, interval = 0): Promise<MasterReply> {
    const when = headerOctets(50, 2, 0x07, [{ index: 0, time, interval }])
    return this.request(11, Buffer.concat([when, allOctets(group, 0)]))
  }

  /** Puts points into a class: group of their present values, all or a range. */
  assignClass(eventClass: PollClass, group: number, start?: number, stop?: number): Promise<MasterReply> {
    return this.request(ASSIGN_CLASS, Buffer.concat([classOctets([eventClass]), rangeOrAll(group, start, stop)]))
  }

  unsolicited(enabled: boolean, ...classes: readonly PollClass[]): Promise<MasterReply> {
    return this.request(enabled ? ENABLE_UNSOLICITED : DISABLE_UNSOLICITED, classOctets(classes))
  }

  /** Device attributes of a set: one, or all of them (254). */
  async attributes(variation: number, set = 0): Promise<Map<number, AttributeValue>> {
    const { fragments } = await this.read(rangeOctets(0, variation, set, set))
    const attributes = new Map<number, AttributeValue>()
    for (const header of fragments.flatMap(({ headers }) => headers)) {
      for (const { value } of header.group === 0 ? decodeObjects(header) : []) {
        if (value instanceof Uint8Array) attributes.set(header.variation, decodeAttribute(value))
      }
    }
    return attributes
  }

  readFile(name: string, options: FileTransferOptions = {}): Promise<Uint8Array> {
    return this.run('read file', () => readFile(name, options))
  }

  writeFile(name: string, content: Uint8Array, options: FileTransferOptions = {}): Promise<void> {
    return this.run('write file', () => writeFile(name, content, options))
  }

  readDirectory(name: string, options: FileTransferOptions = {}): Promise<FileDescriptor[]> {
    return this.run('read directory', () => readDirectory(name, options))
  }

  deleteFile(name: string, options: FileTransferOptions = {}): Promise<void> {
    return this.run('delete file', () => deleteFile(name, options))
  }

  fileInfo(name: string): Promise<FileDescriptor> {
    return this.run('file info', () => fileInfo(name))
  }

  /** Secure authentication goes on under another update key; without it there is nothing to change. */
  useUpdateKey(updateKey: Uint8Array): void {
    this.association.security?.useUpdateKey(updateKey, now())
    this.#touch()
  }

  /** The key for the other file functions. */
  authenticateFile(user: string, password: string): Promise<number> {
    return this.run('authenticate', () => authenticateFile(user, password))
  }
}

function rangeOrAll(group: number, start: number | undefined, stop: number | undefined): Uint8Array {
  if (start === undefined) return allOctets(group, 0)
  if (stop === undefined || stop < start) throw new ProtocolError('dnp3.master.range', `no range: ${start} to ${stop}`)
  return rangeOctets(group, 0, start, stop)
}

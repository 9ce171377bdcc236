import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { parseDuration } from '@gridseal/bridge'
import {
  FileSecurityStore,
  Outstation,
  OutstationAuthenticator,
  SimulatedOutputs,
  parseOutstationModel,
  parseSecurityModel,
  serveOutstations,
} from '@gridseal/dnp3'
import type {
  OutstationCommand,
  OutstationModel,
  OutstationSession,
  PointKind,
  PointOptions,
  SecurityModel,
} from '@gridseal/dnp3'
import type { TlsOptions } from '@gridseal/transport'
import { UsageError, describeError } from '@gridseal/wire'
import { EXIT, print, toJson, untilStopped } from '../output.ts'

/** Files for `tls://`. */
export interface TlsFiles {
  readonly cert?: string
  readonly key?: string
  readonly ca?: string
}

export interface SimulateDnp3Options extends TlsFiles {
  readonly listen: string
  readonly local: number
  readonly remote: number
  readonly points: number
  readonly model?: string
  readonly security?: string
  readonly connect: boolean
  readonly anyMaster: boolean
  readonly json: boolean
  /** End after this duration. */
  readonly for?: string
}

const WANDER_MS = 1000
const RESTART_MS = 1000

/** A DNP3 outstation whose values move, by a script or by themselves; prints `ready URL` when it takes connections. */
export async function simulateDnp3(options: SimulateDnp3Options): Promise<number> {
  const { listen, local, remote, anyMaster, json } = options
  const limit = options.for === undefined ? undefined : parseDuration(options.for)
  const model = options.model === undefined ? undefined : await readModel(options.model)
  const security = options.security === undefined ? undefined : await readSecurity(options.security)
  const outstation = new Outstation({
    local,
    masters: [remote],
    anyRemote: anyMaster,
    unsolicited: {},
    points: model?.points ?? defaultPoints(options.points),
    attributes: attributesOf(model),
    ...(security && { security: (session) => authenticatorOf(security, session) }),
    handler: (database) => {
      const outputs = new SimulatedOutputs(database)
      return {
        restart: () => RESTART_MS,
        command: (command, phase, now) => {
          const status = outputs.command(command, phase, now)
          if (phase !== 'select')
            print(
              json
                ? toJson({ ...command, kind: 'command', output: command.kind, status })
                : commandText(command, status),
            )
          return status
        },
      }
    },
  })
  const tls = { tls: await readTls(options) }
  const direction = options.connect ? 'connect' : 'listen'
  const server = await serveOutstations(listen, [outstation], { direction, listen: tls, connect: tls })
  print(json ? toJson({ kind: 'ready', url: server.url }) : `ready ${server.url}`)
  const stop = model === undefined ? wander(outstation, options.points) : play(outstation, model)
  await untilStopped(limit)
  stop()
  await server.close()
  if (json) print(toJson({ ...outstation.session(remote)?.counters, kind: 'summary' }))
  return EXIT.ok
}

/** The contents of the files that were named. */
export async function readTls(files: TlsFiles): Promise<TlsOptions> {
  const read = async (file: string): Promise<string> =>
    readFile(file, 'utf8').catch((error: unknown) => {
      throw new UsageError('tls.file', `cannot read ${file}: ${describeError(error)}`, {}, error)
    })
  return {
    ...(files.cert !== undefined && { cert: await read(files.cert) }),
    ...(files.key !== undefined && { key: await read(files.key) }),
    ...(files.ca !== undefined && { ca: await read(files.ca) }),
  }
}

/** Reads a model file, or says why not. */
export async function readModel(file: string): Promise<OutstationModel> {
  return parseOutstationModel(await readSource(file), file)
}

async function readSecurity(file: string): Promise<SecurityModel> {
  const model = parseSecurityModel(await readSource(file), file)
  return { ...model, state: model.state && resolve(dirname(file), model.state) }
}

async function readSource(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    throw new UsageError('dnp3.model', `cannot read ${file}: ${describeError(error)}`, {}, error)
  })
}

function authenticatorOf(model: SecurityModel, session: OutstationSession): OutstationAuthenticator {
  const { name, users, authorityKey, state } = model
  const kept = state === undefined ? {} : { store: new FileSecurityStore(state) }
  return new OutstationAuthenticator({ name, users, ...(authorityKey && { authorityKey }), ...kept }, session)
}

function defaultPoints(analogs: number): PointOptions[] {
  const of = (kind: PointKind, length: number, value: number | Uint8Array): PointOptions[] =>
    Array.from({ length }, (_, index) => ({ kind, index, value }))
  return [
    ...of('binary-input', 10, 0),
    ...of('double-bit-input', 10, 1),
    ...Array.from({ length: analogs }, (_, index): PointOptions => ({
      kind: 'analog-input',
      index,
      value: index,
      class: 2,
      deadband: 0.5,
    })),
    ...of('counter', 10, 0).map((point): PointOptions => ({ ...point, class: 3 })),
    ...of('frozen-counter', 10, 0).map((point): PointOptions => ({ ...point, class: 3 })),
    ...of('binary-output', 10, 0),
    ...of('analog-output', 10, 0),
    ...of('octet-string', 1, new TextEncoder().encode('Gridseal')),
  ]
}

function attributesOf(
  model: OutstationModel | undefined,
): { variation: number; value: { type: 'VSTR'; value: string } }[] {
  const texts = { 242: '0.1.0', 250: 'simulated outstation', 252: 'Gridseal', ...model?.attributes }
  return Object.entries(texts).map(([variation, value]) => ({
    variation: Number(variation),
    value: { type: 'VSTR', value },
  }))
}

/** Every second some values move a little. */
function wander(outstation: Outstation, analogs: number): () => void {
  let step = 0
  const timer = setInterval(() => {
    step++
    for (let index = 0; index < Math.min(analogs, 10); index++) {
      outstation.update('analog-input', index, { value: index + Math.round(100 * Math.sin(step / 5 + index)) / 10 })
    }
    outstation.update('counter', step % 10, { value: step })
    outstation.update('binary-input', step % 10, { value: step % 20 < 10 ? 1 : 0 })
  }, WANDER_MS)
  return () => clearInterval(timer)
}

/** Plays the script of a model, once or again and again. */
function play(outstation: Outstation, { script, repeat }: OutstationModel): () => void {
  const start = performance.now()
  let timer: NodeJS.Timeout | undefined
  const next = (i: number, round: number): void => {
    const change = script[i]
    if (change === undefined) {
      if (repeat > 0 && script.length > 0) next(0, round + 1)
      return
    }
    const { kind, index, at, ...values } = change
    timer = setTimeout(
      () => {
        outstation.update(kind, index, values)
        next(i + 1, round)
      },
      Math.max(0, start + round * repeat + at - performance.now()),
    )
  }
  next(0, 0)
  return () => clearTimeout(timer)
}

function commandText({ kind, ...rest }: OutstationCommand, status: number): string {
  const fields = Object.entries(rest).map(([name, value]) => `${name} ${String(value)}`)
  return `command ${kind} ${fields.join(', ')} -> status ${status}`
}

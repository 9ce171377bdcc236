import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { UsageError, describeError } from '@gridseal/wire'
import { LineCounter, isMap, isNode, isPair, isSeq, parseDocument, visit } from 'yaml'
import type { Document } from 'yaml'
import type { z } from 'zod'
import type { FieldUpdateKey } from '../update-keys/config.ts'
import type { AcceptConfig, BridgeConfig, LinkConfig, PeerConfig, SigningKeyConfig } from './model.ts'
import { configSchema } from './schema.ts'

/** One thing wrong with a configuration file. */
export interface ConfigProblem {
  /** 1-based; 0 if it concerns the file as a whole. */
  readonly line: number
  /** Path of the key, e.g. `links[0].protocol`. */
  readonly key: string
  /** What is wrong and what is allowed. */
  readonly message: string
}

/** A configuration with its relative paths resolved against its own folder. */
export interface LoadedConfig {
  readonly file: string
  readonly config: BridgeConfig
  /** The line of a key such as `sites[0].trust.ca`, or of the nearest one above it that is there. */
  readonly line: (key: string) => number
}

/**
 * Reads and checks a YAML configuration. Throws `UsageError` `config.invalid` that names file, line, key and what is
 * allowed, for every problem at once (`details.problems`), or `config.read`.
 */
export async function loadConfig(file: string): Promise<LoadedConfig> {
  let source: string
  try {
    source = await readFile(file, 'utf8')
  } catch (error) {
    throw new UsageError('config.read', `cannot read ${file}: ${describeError(error)}`, {}, error)
  }
  const { config, line } = read(source, file)
  return { file, config: resolvePaths(config, dirname(resolve(file))), line }
}

/** An error about what a configuration names, with the line of its key in front; others as they are. */
export function located(error: unknown, { file, line }: LoadedConfig): unknown {
  const key = error instanceof UsageError ? error.details['key'] : undefined
  if (!(error instanceof UsageError) || typeof key !== 'string') return error
  return new UsageError(error.code, `${file}:${line(key)}: ${error.message}`, error.details, error)
}

/** {@link loadConfig} for text that is at hand; paths stay as written. */
export function parseConfig(source: string, file: string): BridgeConfig {
  return read(source, file).config
}

function read(source: string, file: string): Omit<LoadedConfig, 'file'> {
  const lines = new LineCounter()
  const document = parseDocument(source, { lineCounter: lines, uniqueKeys: true })
  const problems: ConfigProblem[] = document.errors.map((error) => ({
    line: error.linePos?.[0].line ?? 0,
    key: '',
    message: error.message.split('\n')[0] ?? error.message,
  }))
  if (problems.length === 0) problems.push(...aliasProblems(document, lines))
  if (problems.length === 0) {
    const result = configSchema.safeParse(valuesOf(document, file))
    const line = (key: string): number => lineOf(pathOf(key), document, lines)
    if (result.success) return { config: result.data, line }
    for (const issue of result.error.issues) problems.push(...locate(issue, document, lines))
  }
  const text = problems.map((p) => `${file}:${p.line}: ${p.key === '' ? '' : `${p.key}: `}${p.message}`).join('\n')
  throw new UsageError('config.invalid', text, { file, problems })
}

/** A value that begins with `*` is an alias in YAML: text such as `*:502` must be quoted. */
function aliasProblems(document: Document, lines: LineCounter): ConfigProblem[] {
  const problems: ConfigProblem[] = []
  visit(document, {
    Alias(_, alias, parents) {
      if (alias.resolve(document) !== undefined) return
      const { source, range } = alias
      const message = `there is no &${source} before *${source}; text that begins with * is quoted: "*${source}"`
      problems.push({ line: lines.linePos(range?.[0] ?? 0).line, key: pathText(pathTo(alias, parents)), message })
    },
  })
  return problems
}

function pathTo(node: unknown, parents: readonly unknown[]): (string | number)[] {
  const path: (string | number)[] = []
  parents.forEach((parent, i) => {
    if (isPair(parent)) path.push(String(parent.key))
    else if (isSeq(parent)) path.push(parent.items.indexOf(parents[i + 1] ?? node))
  })
  return path
}

/** The values of a document. Throws `UsageError` where a few aliases would become very many values. */
function valuesOf(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch (error) {
    const problem: ConfigProblem = { line: 0, key: '', message: `too many aliases: ${describeError(error)}` }
    throw new UsageError('config.invalid', `${file}: ${problem.message}`, { file, problems: [problem] }, error)
  }
}

function locate(issue: z.core.$ZodIssue, document: Document, lines: LineCounter): ConfigProblem[] {
  const path = issue.path.filter((part): part is string | number => typeof part !== 'symbol')
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      line: lineOf([...path, key], document, lines),
      key: pathText([...path, key]),
      message: 'unknown key',
    }))
  }
  return [{ line: lineOf(path, document, lines), key: pathText(path), message: messageOf(issue) }]
}

function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value') return `allowed: ${issue.values.map(String).join(', ')}`
  if (issue.code === 'invalid_union' && issue.path.at(-1) === 'role') return 'allowed: field, head-end'
  if (issue.code === 'invalid_type' && issue.input === undefined) return `missing (a value of type ${issue.expected})`
  return issue.message
}

function pathText(path: readonly (string | number)[]): string {
  return path.map((part, i) => (typeof part === 'number' ? `[${part}]` : i === 0 ? part : `.${part}`)).join('')
}

/** `sites[0].trust.ca` in parts. */
function pathOf(key: string): (string | number)[] {
  return Array.from(key.matchAll(/\[(\d+)\]|([^.[\]]+)/g), ([, index, name = '']) =>
    index === undefined ? name : Number(index),
  )
}

/** Line of the key at `path`, or of the nearest parent that is there. */
function lineOf(path: readonly (string | number)[], document: Document, lines: LineCounter): number {
  for (let length = path.length; length > 0; length--) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true)
    const name = path[length - 1]
    if (isMap(parent)) {
      const pair = parent.items.find((item) => isNode(item.key) && String(item.key) === String(name))
      if (pair !== undefined && isNode(pair.key) && pair.key.range) return lines.linePos(pair.key.range[0]).line
    }
    const node = document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line
  }
  return 1
}

function named({ points }: LinkConfig, at: Resolve): { readonly points?: string } {
  return points === undefined ? {} : { points: at(points) }
}

function withPaths(at: Resolve): (key: FieldUpdateKey) => FieldUpdateKey {
  return ({ install, file, ...key }) => ({
    ...key,
    ...(install && { install: { ...install, authority: at(install.authority) } }),
    ...(file !== undefined && { file: at(file) }),
  })
}

function resolvePaths(config: BridgeConfig, folder: string): BridgeConfig {
  const at = (path: string): string => resolve(folder, path)
  const { journal: j } = config
  const journal = j && {
    ...j,
    directory: at(j.directory),
    ...(j.key === undefined ? {} : { key: at(j.key) }),
    ...(j.anchor === undefined ? {} : { anchor: at(j.anchor) }),
  }
  const signing = config.signing && { keys: config.signing.keys.map((key) => resolveKey(key, at)) }
  const common = {
    identity: at(config.identity),
    ...(config.certificate === undefined ? {} : { certificate: at(config.certificate) }),
    ...(journal === undefined ? {} : { journal }),
    ...(signing === undefined ? {} : { signing }),
  }
  if (config.role === 'field') {
    const links = config.links.map((link) => ({
      ...link,
      ...named(link, at),
      updateKeys: link.updateKeys?.map(withPaths(at)),
    }))
    return { ...config, ...common, links, channel: { ...config.channel, ...resolvePeer(config.channel, at) } }
  }
  const sites = config.sites.map((site) => ({
    ...site,
    ...resolvePeer(site, at),
    links: site.links.map((link) => ({
      ...link,
      ...named(link, at),
      updateKeys: link.updateKeys?.map((key) => ({ ...key, file: at(key.file) })),
    })),
  }))
  return { ...config, ...common, sites }
}

type Resolve = (path: string) => string

interface Peer extends PeerConfig {
  readonly accept: AcceptConfig
}

function resolvePeer({ peer, trust, accept }: Peer, at: Resolve): Peer {
  const signers = accept.signers.map((signer) => ({ ...signer, file: at(signer.file) }))
  return {
    ...(peer === undefined ? {} : { peer: at(peer) }),
    ...(trust === undefined ? {} : { trust: { ...trust, ca: trust.ca.map(at), crl: trust.crl.map(at) } }),
    accept: { ...accept, signers },
  }
}

function resolveKey({ file, token, ...window }: SigningKeyConfig, at: Resolve): SigningKeyConfig {
  if (token === undefined) return { ...window, file: file && at(file) }
  return { ...window, token: { ...token, library: at(token.library), pin: at(token.pin), folder: at(token.folder) } }
}

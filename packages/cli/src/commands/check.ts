import type { BridgeConfig } from '@gridseal/bridge'
import { loadConfig } from '@gridseal/bridge'
import { readKeyFile, readPublicKeyFile } from '@gridseal/pqc'
import { print, toJson } from '../output.ts'

/** Validates a configuration with the keys that it names, and explains it. */
export async function check(file: string, json: boolean): Promise<void> {
  const { config } = await loadConfig(file)
  const identity = (await readKeyFile(config.identity)).publicKey.fingerprintText
  const peers: Record<string, string> = {}
  for (const [name, path] of peerFiles(config)) peers[name] = (await readPublicKeyFile(path)).fingerprintText
  if (json) print(toJson({ file, valid: true, identity, peers, config }))
  else for (const line of explain(config, identity, peers)) print(line)
}

function peerFiles(config: BridgeConfig): [string, string][] {
  if (config.role === 'field') return [['head-end', config.channel.peer]]
  return config.sites.map((site) => [site.site, site.peer])
}

function explain(config: BridgeConfig, identity: string, peers: Readonly<Record<string, string>>): string[] {
  const lines = [`${config.role} bridge, identity ${identity}`]
  if (config.role === 'field') {
    lines.push(`  site ${config.site}: dials the head-end at ${config.channel.connect}`)
    lines.push(`  takes only the head-end ${peers['head-end']}`)
    for (const link of config.links) {
      lines.push(`  link ${link.id}: ${link.protocol} device at ${link.device}${ruleText(link.policy)}`)
      lines.push(`    frames to it that are older than ${link.maxAge} ms are not delivered`)
    }
  } else {
    const from = config.channel.allow === undefined ? 'any address' : config.channel.allow.join(', ')
    lines.push(`  field bridges come in at ${config.channel.listen} from ${from}`)
    for (const site of config.sites) {
      lines.push(`  site ${site.site}: only ${peers[site.site]}`)
      for (const link of site.links) {
        const masters = link.allow === undefined ? 'any address' : link.allow.join(', ')
        lines.push(
          `    link ${link.id}: ${link.protocol} masters at ${link.master} from ${masters}${ruleText(link.policy)}`,
        )
      }
    }
  }
  lines.push(
    config.journal === undefined
      ? '  no journal: nothing can be proven later'
      : `  journal in ${config.journal.directory}${config.journal.sync ? '' : ' (not synced to disk)'}`,
  )
  if (config.health !== undefined) lines.push(`  GET /health at ${config.health.listen}, for whoever can reach it`)
  return lines
}

function ruleText(policy: PolicyText): string {
  if (policy === undefined) return ''
  const parts: string[] = []
  if (policy.allow !== undefined) parts.push(`only ${policy.allow.join(', ')}`)
  if (policy.deny.length > 0) parts.push(`never ${policy.deny.join(', ')}`)
  if (policy.rules !== undefined) parts.push(`by ${policy.rules.length} rules of its protocol`)
  return parts.length === 0 ? '' : ` (${parts.join('; ')}; else ${policy.onDeny})`
}

type PolicyText =
  | {
      readonly allow?: readonly string[] | undefined
      readonly deny: readonly string[]
      readonly rules?: readonly unknown[] | undefined
      readonly onDeny: string
    }
  | undefined
